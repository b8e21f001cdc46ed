"""`semiray evaluate` and `judge`: the proof, written as a report; `compare`: several of them side by side."""

from pathlib import Path
from typing import Annotated

import typer

from semiray.commands.options import Data, Out, Reading, RunFolder, with_groups

__all__ = ["compare", "evaluate", "judge"]

Seeds = Annotated[int, typer.Option(min=1, help="Trainings of the classifier for each figure and its interval.")]
Quick = Annotated[bool, typer.Option("--quick", help="One short training: a first look, with wider error.")]
RealImages = Annotated[
    bool,
    typer.Option("--real-images/--no-real-images", help="Show real images in the report, or leave every one out."),
]


@with_groups
def evaluate(
    run: RunFolder,
    data: Data,
    out: Out,
    reading: Reading,
    seeds: Seeds = 3,
    quick: Quick = False,
    real_images: RealImages = True,
) -> None:
    """Prove a run on DATA's held-out patients: utility, commitment, sorting, grounding, as report.html and report.json.

    DATA is read as it was for training; the options below are only needed where it has moved or changed.
    """
    from semiray.commands.console import console, progress_bar, read_data, wrote
    from semiray.commands.summary import summarise
    from semiray.evaluation import evaluate, write_model_card
    from semiray.training import Run

    loaded = Run.load(run)
    options = loaded.settings.data.model_dump(exclude={"fractions"}) | reading.given()
    images = read_data(data, resolution=loaded.resolution, cache=reading.cache, **options)
    with progress_bar("Evaluating") as show:
        report = evaluate(loaded, images, out, seeds=seeds, quick=quick, real_images=real_images, progress=show)
    content = report.to_dict()
    console.print("\n".join(summarise(content)), markup=False, soft_wrap=True)
    card = write_model_card(loaded, content)
    if card is not None:
        wrote(card)
    wrote(out / "report.html")


@with_groups
def judge(
    synthetic: Annotated[Path, typer.Argument(help="A folder of synthetic images a class, whoever made them.")],
    real: Annotated[Path, typer.Argument(help="Real radiographs of the same classes; the options below are theirs.")],
    out: Out,
    reading: Reading,
    resolution: Annotated[int, typer.Option(min=16, max=512, help="Side of the images compared, in pixels.")] = 64,
    seeds: Seeds = 3,
    split: Annotated[
        Path | None,
        typer.Option(help="RUN/split.json of the generator's run, read with the same REAL: its test patients test."),
    ] = None,
    real_images: RealImages = True,
) -> None:
    """Judge any synthetic images: a classifier trained on them, tested on real patients, beside its ceiling."""
    from semiray.commands.console import console, progress_bar, read_data, wrote
    from semiray.commands.summary import summarise
    from semiray.evaluation import judge
    from semiray.radiographs import Split

    theirs = reading.given()
    framing = {"framing": theirs["framing"]} if "framing" in theirs else {}
    made = read_data(synthetic, resolution=resolution, cache=reading.cache, **framing)
    held = read_data(real, resolution=resolution, cache=reading.cache, **theirs)
    parts = None if split is None else Split.load(split, held.keys)
    name = synthetic.resolve().name
    with progress_bar("Judging") as show:
        report = judge(made, held, out, seeds=seeds, split=parts, subject=name, real_images=real_images, progress=show)
    console.print("\n".join(summarise(report.to_dict())), markup=False, soft_wrap=True)
    wrote(out / "report.html")


def compare(
    reports: Annotated[list[Path], typer.Argument(metavar="REPORT...", help="Folders of reports, or report.json.")],
    out: Annotated[Path | None, typer.Option(help="A figure to write as well: .png, .pdf or .svg.")] = None,
) -> None:
    """Lay reports side by side: the figures that matter, a column each, with their intervals."""
    from semiray.commands.console import console, save_figure
    from semiray.evaluation import compare_lines, plot_comparison, read_reports

    found = read_reports(reports)
    console.print("\n".join(compare_lines(found)), markup=False, soft_wrap=True)
    if out is not None:
        save_figure(plot_comparison(found), out)
