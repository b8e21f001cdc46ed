"""`semiray prior`: what is assumed, drawn."""

from pathlib import Path
from typing import Annotated

import typer

from semiray.commands.options import Figure

__all__ = ["app"]

app = typer.Typer(help="Look at the distributions that are assumed.", no_args_is_help=True)


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
