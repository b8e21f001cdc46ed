"""`semiray prior`: what is assumed, drawn, or fitted to a table."""

from pathlib import Path
from typing import Annotated

import typer

from semiray.commands.options import Figure, read_ground

__all__ = ["app"]

app = typer.Typer(help="Look at the distributions that are assumed; fit them to a table.", no_args_is_help=True)


@app.command("show")
def show(
    file: Annotated[Path | None, typer.Argument(help="A prior in YAML; the study's default otherwise.")] = None,
    out: Figure = Path("prior.png"),
    marginals: Annotated[bool, typer.Option("--marginals", help="One panel a factor, rather than pairs.")] = False,
) -> None:
    """Print a prior as YAML, and draw its marginals and pairs."""
    import yaml

    from semiray.commands.console import console, save_figure
    from semiray.priors import JointPrior

    prior = JointPrior.default() if file is None else JointPrior.from_yaml(file)
    text = yaml.safe_dump(prior.to_dict(), sort_keys=False, default_flow_style=None, allow_unicode=True)
    console.print(text, markup=False, soft_wrap=True, end="")
    save_figure(prior.plot("marginals" if marginals else "pairs"), out)


@app.command("fit")
def fit(
    table: Annotated[Path, typer.Argument(help="A CSV, TSV or Parquet table, one row an image or a patient.")],
    ground: Annotated[
        str,
        typer.Option(help="Which column tells of which factor: a YAML or TOML file, or a recipe: hannover, ieee8023."),
    ],
    prior: Annotated[
        Path | None, typer.Option(help="Families, and what the table doesn't tell; the study's prior otherwise.")
    ] = None,
    patient_column: Annotated[str | None, typer.Option(help="The table's column of patients.")] = None,
    out: Annotated[Path, typer.Option("--out", help="The prior to write, in YAML.")] = Path("prior.yaml"),
) -> None:
    """Fit a prior's rates and correlations to a table of patients; censored times count as censored."""
    from semiray.commands.console import console, wrote
    from semiray.errors import SemirayError
    from semiray.files import write_whole
    from semiray.priors import RECIPES, JointPrior, fit_prior, read_grounds
    from semiray.radiographs.reading.tables import PATIENT_COLUMNS, choose_column, read_table

    start = JointPrior.default() if prior is None else JointPrior.from_yaml(prior)
    grounds = read_grounds(read_ground(ground), start)
    content = read_table(table)
    column = choose_column(content, patient_column, PATIENT_COLUMNS, "patient_column")
    names = [f"row {i}" for i in range(1, len(content.rows) + 1)]
    patients = [(column and row[column]) or name for row, name in zip(content.rows, names, strict=True)]
    try:
        fitted = fit_prior(content.rows, patients, grounds, start, names=names)
    except SemirayError as error:
        raise SemirayError(f"{table}: {error}") from None
    whose = f"column {column} says whose row it is" if column else "no column of patients: every row counts as one"
    console.print(f"Patients: {whose}", markup=False, soft_wrap=True)
    console.print("\n".join(fitted.lines), markup=False, soft_wrap=True)
    for recipe in {rule.recipe for rule in grounds.values() if rule.recipe is not None}:
        console.print(f"note: {RECIPES[recipe].caveat}", markup=False, soft_wrap=True)
    out.parent.mkdir(parents=True, exist_ok=True)
    write_whole(out, fitted.to_yaml(f"Fitted to {table.name} by `semiray prior fit`"))
    wrote(out)
