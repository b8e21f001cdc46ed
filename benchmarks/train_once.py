"""Training that several sittings share: what is done already is not done again, what was interrupted goes on."""

from pathlib import Path

from semiray.radiographs import RadiographSet, Split
from semiray.settings import Settings
from semiray.training import Run, train


def train_once(data: RadiographSet, folder: Path, settings: Settings, split: Split | None = None) -> Run:
    """The run in a folder, trained unless it is finished; another run's folder is refused."""
    if not (folder / "finished").exists():
        train(data, folder, settings, split=split, resume=(folder / "state").exists())
        (folder / "finished").touch()
    run = Run.load(folder)
    if run.settings != settings or run.data["fingerprint"] != data.fingerprint:
        raise SystemExit(f"{folder} was trained with other settings or images: take another --out")
    return run
