"""Chest X-rays that follow the distributions you assume: train a generator, generate images, measure whether they do.

The names here are what a notebook needs. Each is loaded when it is first used, so that `import semiray` is fast.

Examples:
    >>> import semiray
    >>> codes = semiray.JointPrior.default().sample(100)
    >>> codes.shape
    torch.Size([100, 20])
"""

from typing import TYPE_CHECKING

from semiray.lazy import offer

if TYPE_CHECKING:
    from semiray.demo import make_phantoms
    from semiray.errors import SemirayError
    from semiray.explorer import explore
    from semiray.generation import SyntheticDataset, encode, generate, represent, traverse, write_images
    from semiray.priors import Factor, JointPrior
    from semiray.radiographs import load_radiographs, prepare_radiographs, split_by_patient
    from semiray.report.evaluate import evaluate, judge
    from semiray.settings import Settings
    from semiray.training import Run, train

    __version__: str

__all__ = [
    "Factor",
    "JointPrior",
    "Run",
    "SemirayError",
    "Settings",
    "SyntheticDataset",
    "__version__",
    "encode",
    "evaluate",
    "explore",
    "generate",
    "judge",
    "load_radiographs",
    "make_phantoms",
    "prepare_radiographs",
    "represent",
    "split_by_patient",
    "train",
    "traverse",
    "write_images",
]

_load, _listed = offer(
    __name__,
    {
        "demo": ("make_phantoms",),
        "errors": ("SemirayError",),
        "explorer": ("explore",),
        "generation": ("SyntheticDataset", "encode", "generate", "represent", "traverse", "write_images"),
        "priors": ("Factor", "JointPrior"),
        "radiographs": ("load_radiographs", "prepare_radiographs", "split_by_patient"),
        "report": ("evaluate", "judge"),
        "settings": ("Settings",),
        "training": ("Run", "train"),
    },
)


def __getattr__(name: str) -> object:
    """Load a public name from its room; the version from the installed package's metadata."""
    if name != "__version__":
        return _load(name)
    from importlib.metadata import version

    globals()[name] = version(__name__)
    return globals()[name]


def __dir__() -> list[str]:
    return sorted({*_listed(), "__version__"})
