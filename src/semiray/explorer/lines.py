"""The command and the Python lines that make what the page shows, to the pixel."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from semiray.pretrained import called

if TYPE_CHECKING:
    from semiray.explorer.asking import Ask
    from semiray.training.run import Run

__all__ = ["grid_lines", "patient_lines", "upload_lines"]

Lines = dict[str, str]


def grid_lines(run: Run, ask: Ask, device: str) -> Lines:
    """Of the images of a grid."""
    given = [f"{name}={value!r}" for name, value in _given(ask)]
    call = ", ".join(["run", str(ask.count), *given, *([f"hold={dict(ask.hold)}"] if ask.hold else [])])
    python = [*_loading(run, device), f"sample = semiray.generate({call})", 'semiray.write_images(sample, "images")']
    return {"command": _command(run, ask, device, ["-n", str(ask.count)]), "python": "\n".join(python)}


def patient_lines(run: Run, ask: Ask, holds: Sequence[Mapping[str, float]], device: str) -> Lines:
    """Of one patient, and of the neighbours along a factor: what is held of each."""
    given = ", ".join(["run", *(f"{name}={value!r}" for name, value in _given(ask))])
    python = [
        *_loading(run, device, "from semiray.generation import Request"),
        f"request = Request({given})",
        "holds = [",
        *(f"    {dict(hold)}," for hold in holds),
        "]",
        f"images = [one.images[0] for one in request.variants({ask.index}, holds)]",
    ]
    words = ["-n", "1", "--start", str(ask.index)]
    return {"command": _command(run, ask, device, words), "python": "\n".join(python)}


def upload_lines(run: Run, ask: Ask, name: str, label: int, holds: Sequence[Mapping[str, float]], device: str) -> Lines:
    """The same of an image that was uploaded."""
    python = [
        "import numpy as np",
        "import torch",
        *_loading(run, device),
        "from semiray.generation import encode, hold_codes, invert",
        "from semiray.radiographs.pixels.framing import read_radiograph",
        "",
        f"image = read_radiograph({name!r}, run.resolution, run.settings.data.framing)",
        "codes = encode(run, image[None])[0]",
        f"patient = invert(run, image, codes, {label})",
        "holds = [",
        *(f"    {dict(hold)}," for hold in holds),
        "]",
        "held = [hold_codes(run.prior, torch.from_numpy(codes), hold).numpy() for hold in holds]",
        "images = patient.render(np.stack(held))",
    ]
    words = ["semiray", "represent", called(run.path), name, "--move", ask.factor]
    words += ["--label", run.classes[label]] if label >= 0 else []
    words += ["--device", device] if device != "auto" else []
    return {"command": shlex.join(words), "python": "\n".join(python)}


def _loading(run: Run, device: str, *imports: str) -> list[str]:
    where = f", {device!r}" if device != "auto" else ""
    return ["import semiray", *imports, "", f"run = semiray.Run.load({called(run.path)!r}{where})"]


def _given(ask: Ask) -> list[tuple[str, object]]:
    given = {"label": ask.label, "where": ask.where.strip() or None, "seed": ask.seed}
    return [(name, value) for name, value in given.items() if value is not None]


def _command(run: Run, ask: Ask, device: str, words: Sequence[str]) -> str:
    words = ["semiray", "generate", called(run.path), "--out", "images", *words]
    for name, value in _given(ask):
        words += [f"--{name}", str(value)]
    for name, value in ask.hold.items():
        words += ["--hold", f"{name}={value!r}"]
    words += ["--device", device] if device != "auto" else []
    return shlex.join(words)
