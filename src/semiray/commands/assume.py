"""`semiray prior`: show the assumed distributions, or fit them to a table."""

from pathlib import Path
from typing import Annotated

import typer

from semiray.commands.options import Figure

__all__ = ["app"]

app = typer.Typer(help="Look at the assumed distributions; fit them to a table.", no_args_is_help=True)


@app.command("show")
def show(
    file: Annotated[Path | None, typer.Argument(help="A prior in YAML; the study's default otherwise.")] = None,
    out: Figure = Path("prior.png"),
    marginals: Annotated[bool, typer.Option("--marginals", help="One panel per factor, instead of pairs.")] = False,
) -> None:
    """Print a prior as YAML, and draw its marginals and pairs."""
    from semiray.commands.console import console, save_figure
    from semiray.priors import JointPrior

    prior = JointPrior.default() if file is None else JointPrior.from_yaml(file)
    console.print(prior.to_yaml(), soft_wrap=True, end="")
    save_figure(prior.plot("marginals" if marginals else "pairs"), out)


@app.command("fit")
def fit(
    table: Annotated[Path, typer.Argument(help="A CSV, TSV or Parquet table, one row per image or patient.")],
    ground: Annotated[
        str,
        typer.Option(
            help="Which column holds the values of which factor: a YAML or TOML file, or a recipe: hannover, ieee8023."
        ),
    ],
    prior: Annotated[
        Path | None, typer.Option(help="The prior to start from, in YAML; the study's default otherwise.")
    ] = None,
    patient_column: Annotated[str | None, typer.Option(help="The table's column of patients.")] = None,
    out: Annotated[Path, typer.Option("--out", help="The prior to write, in YAML.")] = Path("prior.yaml"),
) -> None:
    """Fit a prior's parameters and correlations to a table of patients; censored times count as censored."""
    from semiray.commands.console import console, wrote
    from semiray.errors import SemirayError
    from semiray.files import check_not_input
    from semiray.priors import JointPrior, fit_prior, read_grounds
    from semiray.radiographs.reading.patients import PATIENT_COLUMNS
    from semiray.radiographs.reading.tables import choose_column, read_table
    from semiray.settings import read_ground

    check_not_input(out, table, prior, ground)
    start = JointPrior.default() if prior is None else JointPrior.from_yaml(prior)
    grounds = read_grounds(read_ground(ground), start)
    content = read_table(table)
    if patient_column is not None and patient_column not in content.columns:
        raise SemirayError(
            f"{table}: no column {patient_column!r} (patient_column=). The columns are: {', '.join(content.columns)}."
        )
    patients = patient_column or choose_column(content.columns, PATIENT_COLUMNS)
    try:
        fitted = fit_prior(content.rows, patients, grounds, start)
    except SemirayError as error:
        raise SemirayError(f"{table}: {error}") from None
    console.print("\n".join(fitted.lines), soft_wrap=True)
    wrote(fitted.save(out, f"Fitted to {table.name} by `semiray prior fit`"))
