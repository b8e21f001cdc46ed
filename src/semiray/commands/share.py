"""`semiray runs`: the runs that come with semiray; `export`: a run for other programs."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from semiray.commands.options import RunFolder

__all__ = ["export", "runs"]


def runs() -> None:
    """List the trained runs that come with semiray: every command takes their names for RUN."""
    from semiray.commands.console import console
    from semiray.pretrained import describe_shipped

    lines = describe_shipped()
    console.print("\n".join(lines) or "No run comes with this installation: train one.", soft_wrap=True)


def export(
    run: RunFolder,
    to: Annotated[
        Path,
        typer.Option("--to", metavar="FILE|hub-folder", help="The file to write: .onnx; or hub-folder, for others."),
    ],
    network: Annotated[
        Literal["generator", "sorter"],
        typer.Option(metavar="generator|sorter", help="To .onnx: images from codes, or codes and class of images."),
    ] = "generator",
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FOLDER", help="Of hub-folder: the folder to write to.")
    ] = None,
    licence: Annotated[
        str | None,
        typer.Option("--license", metavar="NAME", help="Of hub-folder: the weights' licence, such as cc-by-4.0."),
    ] = None,
    report: Annotated[
        Path | None,
        typer.Option(metavar="REPORT", help="Of hub-folder: what `semiray evaluate` wrote, for the card's figures."),
    ] = None,
    source: Annotated[
        str, typer.Option(metavar="TEXT", help="Of hub-folder: who made the data, and where they are.")
    ] = "",
    dataset: Annotated[
        list[str] | None,
        typer.Option(metavar="OWNER/NAME", help="Of hub-folder: a data set's name on the Hub; can be repeated."),
    ] = None,
    traces: Annotated[
        Path | None,
        typer.Option(
            metavar="DATA",
            help="Of hub-folder: RUN's data, if they may be shared: with traces, training images are recognised.",
        ),
    ] = None,
    push: Annotated[
        str | None,
        typer.Option(metavar="OWNER/NAME", help="Of hub-folder: upload it to the Hub, to a private repository if new."),
    ] = None,
) -> None:
    """Write a network of a run as an ONNX file and compare it with PyTorch's; or the run as a folder for others.

    hub-folder has small weights, no names of files, and a card, and is a RUN again: for the Hugging Face Hub, or a
    colleague.
    """
    from semiray.commands.console import console, wrote
    from semiray.errors import SemirayError
    from semiray.training import Run

    if str(to) != "hub-folder":
        from semiray.generation import export_onnx

        if to.suffix.lower() != ".onnx":
            raise SemirayError(f"to={to}: name a file that ends in .onnx, or hub-folder.")
        if any(one for one in (out, licence, report, source, dataset, traces, push)):
            raise SemirayError(f"to={to}: of all other options only network= goes with it; the rest is for hub-folder.")
        loaded = Run.load(run, "cpu")
        console.print(f"Differs from PyTorch by {export_onnx(loaded, to, network):.1g} at most.")
        console.print(loaded.meaning, soft_wrap=True)
        wrote(to)
        return

    from semiray.commands.console import read_data
    from semiray.pretrained import check_repository
    from semiray.pretrained import push as upload
    from semiray.report import Origin, publish

    if network != "generator":
        raise SemirayError("to=hub-folder: it holds both networks, so network= is for .onnx only.")
    if out is None or not licence:
        raise SemirayError("to=hub-folder: say where it goes with out=, and the weights' licence with --license.")
    if push is not None:
        check_repository(push)
    loaded = Run.load(run, "cpu")
    data = None
    if traces is not None:
        data = read_data(traces, resolution=loaded.resolution, cache=None, **loaded.settings.data.reading)
    origin = Origin(licence, source, tuple(dataset or ()))
    publish(loaded, out, origin, name=push and f"hf://{push}", report=report, data=data)
    console.print(loaded.meaning, soft_wrap=True)
    wrote(out)
    if push is None:
        console.print(f"Next: huggingface-cli upload OWNER/NAME {out}, or the same command with --push", soft_wrap=True)
    else:
        console.print(f"Uploaded to {upload(out, push)}", soft_wrap=True)
