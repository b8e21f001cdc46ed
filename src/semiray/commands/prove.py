"""`semiray evaluate` and `judge`: the proof, written as a report; `compare`: several of them side by side."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from semiray.commands.options import Data, Out, Reading, RunFolder, Space, with_groups

__all__ = ["compare", "evaluate", "judge"]

if TYPE_CHECKING:
    from semiray.evaluation import BenefitSettings

Seeds = Annotated[int, typer.Option(min=1, help="Trainings of the classifier of utility, a side.")]
Quick = Annotated[bool, typer.Option("--quick", help="Few short trainings: a first look, with wider error.")]
RealImages = Annotated[
    bool,
    typer.Option("--real-images/--no-real-images", help="Show real images in the report, or leave every one out."),
]


@dataclass(frozen=True)
class Benefit:
    """How it is measured what synthetic images add to real ones and classical augmentation."""

    benefit: Annotated[
        bool,
        typer.Option(
            help="Whether synthetic images help beyond classical augmentation: 150 trainings, half of the time."
        ),
    ] = True
    classifier: Annotated[
        str, typer.Option(help="Its classifier: small-cnn, cnn, resnet18, timm:NAME or torchvision:NAME.")
    ] = "small-cnn"
    classifier_weights: Annotated[
        Path | None, typer.Option(help="Weights that the classifier starts from: safetensors, or tensors by PyTorch.")
    ] = None

    def settings(self, quick: bool) -> "BenefitSettings | None":
        """The protocol's settings; None if it was declined."""
        from semiray.evaluation import QUICK_BENEFIT, Architecture, BenefitSettings

        architecture = Architecture(self.classifier, self.classifier_weights)
        chosen = QUICK_BENEFIT if quick else BenefitSettings()
        return replace(chosen, architecture=architecture) if self.benefit else None


@with_groups
def evaluate(
    run: RunFolder,
    data: Data,
    out: Out,
    space: Space,
    reading: Reading,
    benefit: Benefit,
    seeds: Seeds = 3,
    quick: Quick = False,
    real_images: RealImages = True,
) -> None:
    """Prove a run on DATA's held-out patients: utility, commitment, sorting, privacy, as report.html and report.json.

    DATA is read as it was for training; the options below are only needed where it has moved or changed. Stopped and
    called again with the same --out, it goes on where it was.
    """
    from semiray.commands.console import console, progress_bar, read_data, wrote
    from semiray.report import evaluate, summarise
    from semiray.training import Run

    protocol, features, loaded = benefit.settings(quick), space.open(), Run.load(run)
    options = loaded.settings.data.model_dump(exclude={"fractions"}) | reading.given()
    images = read_data(data, resolution=loaded.resolution, cache=reading.cache, **options)
    files: list[Path] = []
    with progress_bar("Evaluating") as show:
        report = evaluate(
            loaded,
            images,
            out,
            seeds=seeds,
            quick=quick,
            benefit=protocol,
            space=features,
            real_images=real_images,
            progress=show,
            on_file=files.append,
        )
    console.print("\n".join(summarise(report)), markup=False, soft_wrap=True)
    for file in files:
        wrote(file)


@with_groups
def judge(
    synthetic: Annotated[Path, typer.Argument(help="A folder of synthetic images a class, whoever made them.")],
    real: Annotated[Path, typer.Argument(help="Real radiographs of the same classes; the options below are theirs.")],
    out: Out,
    space: Space,
    reading: Reading,
    benefit: Benefit,
    resolution: Annotated[int, typer.Option(min=16, max=512, help="Side of the images compared, in pixels.")] = 64,
    seeds: Seeds = 3,
    quick: Quick = False,
    split: Annotated[
        Path | None,
        typer.Option(help="RUN/split.json of the generator's run, read with the same REAL: its test patients test."),
    ] = None,
    real_images: RealImages = True,
) -> None:
    """Judge any synthetic images: a classifier trained on them, tested on real patients, beside its ceiling."""
    from semiray.commands.console import console, progress_bar, read_data, wrote
    from semiray.radiographs import Split
    from semiray.report import judge, summarise

    protocol, features, theirs = benefit.settings(quick), space.open(), reading.given()
    framing = {"framing": theirs["framing"]} if "framing" in theirs else {}
    made = read_data(synthetic, resolution=resolution, cache=reading.cache, **framing)
    held = read_data(real, resolution=resolution, cache=reading.cache, **theirs)
    parts = None if split is None else Split.load(split, held.keys)
    name = synthetic.resolve().name
    with progress_bar("Judging") as show:
        report = judge(
            made,
            held,
            out,
            seeds=seeds,
            quick=quick,
            split=parts,
            benefit=protocol,
            subject=name,
            space=features,
            real_images=real_images,
            progress=show,
        )
    console.print("\n".join(summarise(report)), markup=False, soft_wrap=True)
    wrote(out / "report.html")


def compare(
    reports: Annotated[list[Path], typer.Argument(metavar="REPORT...", help="Folders of reports, or report.json.")],
    out: Annotated[Path | None, typer.Option(help="A figure to write as well: .png, .pdf or .svg.")] = None,
) -> None:
    """Lay reports side by side: the figures that matter, a column each, with their intervals."""
    from semiray.commands.console import console, save_figure
    from semiray.report import compare_lines, plot_comparison, read_reports

    found = read_reports(reports)
    console.print("\n".join(compare_lines(found)), markup=False, soft_wrap=True)
    if out is not None:
        save_figure(plot_comparison(found), out)
