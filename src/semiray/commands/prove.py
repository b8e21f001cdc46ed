"""`semiray evaluate` and `judge`: measure, and write the report; `compare`: several reports side by side."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from semiray.commands.options import Cache, Data, Device, OfficialSplit, Out, Reading, RunFolder, Space, with_groups

__all__ = ["compare", "evaluate", "judge"]

if TYPE_CHECKING:
    from semiray.evaluation import BenefitSettings

Seeds = Annotated[int, typer.Option(min=1, help="Trainings of utility's classifier per side.")]
Quick = Annotated[bool, typer.Option("--quick", help="Few short trainings: a first look with wider intervals.")]
RealImages = Annotated[
    bool,
    typer.Option("--real-images/--no-real-images", help="Show real images in the report, or leave them all out."),
]


@dataclass(frozen=True)
class Benefit:
    """How to measure what synthetic images add to real ones."""

    benefit: Annotated[
        bool,
        typer.Option(
            help="Measure whether synthetic images help beyond anything that needs none: 35 trainings or more, most of "
            "the time."
        ),
    ] = True
    classifier: Annotated[
        str, typer.Option(help="Classifier of benefit: small-cnn, cnn, resnet18, timm:NAME or torchvision:NAME.")
    ] = "small-cnn"
    classifier_weights: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Weights that this classifier starts from: safetensors or .pt.")
    ] = None

    def settings(self, quick: bool) -> "BenefitSettings | bool":
        """The settings of the measurement; False if it is declined."""
        from semiray.evaluation import QUICK_BENEFIT, Architecture, BenefitSettings

        architecture = Architecture(self.classifier, self.classifier_weights)
        return self.benefit and replace(QUICK_BENEFIT if quick else BenefitSettings(), architecture=architecture)


@with_groups
def evaluate(
    run: RunFolder,
    data: Data,
    out: Out,
    space: Space,
    benefit: Benefit,
    reading: Reading,
    cache: Cache = None,
    seeds: Seeds = 3,
    quick: Quick = False,
    real_images: RealImages = True,
    device: Device = "auto",
) -> None:
    """Measure a run on DATA's held-out patients, and write report.html and report.json.

    DATA is read as it was for training; reading options are only needed if it has changed. The same command again
    continues where it was stopped.
    """
    from semiray.commands.console import console, progress_bar, read_data, wrote
    from semiray.report import evaluate, summarise
    from semiray.training import Run

    protocol, features, loaded = benefit.settings(quick), space.open(device), Run.load(run, device)
    images = read_data(data, resolution=loaded.resolution, cache=cache, **loaded.settings.data.reading | reading)
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
            device=device,
            progress=show,
            on_stage=show.stage,
            on_file=files.append,
        )
    console.print("\n".join(summarise(report)), soft_wrap=True)
    for file in files:
        wrote(file)


@with_groups
def judge(
    synthetic: Annotated[
        Path,
        typer.Argument(metavar="SYNTHETIC", help="A folder of synthetic images per class, from any generator."),
    ],
    real: Annotated[
        Path,
        typer.Argument(metavar="REAL", help="Real radiographs of the same classes; reading options are theirs."),
    ],
    out: Out,
    space: Space,
    benefit: Benefit,
    reading: Reading,
    cache: Cache = None,
    resolution: Annotated[int, typer.Option(min=16, max=512, help="Side of the compared images in pixels.")] = 64,
    seeds: Seeds = 3,
    quick: Quick = False,
    split: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="split.json of the generator's run, trained on REAL: its test patients are the test."
        ),
    ] = None,
    official_split: OfficialSplit = False,
    real_images: RealImages = True,
    device: Device = "auto",
) -> None:
    """Judge any synthetic images: a classifier trained on them is tested on real patients, beside its ceiling."""
    from semiray.commands.console import console, progress_bar, read_data, wrote
    from semiray.devices import choose_device
    from semiray.files import user_path
    from semiray.radiographs import Split
    from semiray.radiographs.pixels.traces import Traces
    from semiray.report import judge, summarise
    from semiray.training import RunFiles

    choose_device(device)  # before large folders are decoded
    protocol, features = benefit.settings(quick), space.open(device)
    kept = None if split is None else RunFiles(user_path(split).parent).traces
    traces = Traces.load(kept) if kept is not None and kept.exists() else None
    framing = {"framing": reading["framing"]} if "framing" in reading else {}
    made = read_data(synthetic, resolution=resolution, cache=cache, read_synthetic=True, **framing)
    held = read_data(real, resolution=resolution, cache=cache, **reading)
    with progress_bar("Judging") as show:
        report = judge(
            made,
            held,
            out,
            seeds=seeds,
            quick=quick,
            split=None if split is None else Split.load(split, held.keys),
            traces=traces,
            official_split=official_split,
            benefit=protocol,
            subject=synthetic.resolve().name,
            space=features,
            real_images=real_images,
            device=device,
            progress=show,
            on_stage=show.stage,
        )
    console.print("\n".join(summarise(report)), soft_wrap=True)
    wrote(out / "report.html")


def compare(
    reports: Annotated[list[Path], typer.Argument(metavar="REPORT...", help="Folders of reports, or report.json.")],
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="A figure to write: .png, .pdf or .svg.")] = None,
) -> None:
    """Show the main figures of several reports side by side, with their intervals."""
    from semiray.commands.console import console, save_figure
    from semiray.report import compare_lines, plot_comparison, read_reports

    found = read_reports(reports)
    console.print("\n".join(compare_lines(found)), soft_wrap=True)
    if out is not None:
        save_figure(plot_comparison(found), out)
