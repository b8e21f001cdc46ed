"""What a person calls a run: a folder, the name of one that comes with semiray, or an address on the Hub."""

from pathlib import Path

from semiray.files import user_path
from semiray.pretrained.hub import fetch, on_hub

__all__ = ["called", "find_run", "shipped_runs"]

SHIPPED = Path(__file__).resolve().parent


def shipped_runs() -> dict[str, Path]:
    """Name -> folder of each run that comes with semiray, in the order of the names.

    Examples:
        ``list(shipped_runs())``
    """
    return {path.parent.name: path.parent for path in sorted(SHIPPED.glob("*/settings.yaml"))}


def find_run(name: Path | str) -> Path:
    """The folder of a run: `name` itself, if it exists or has several parts; else that of a shipped run of this name.

    A person's own folder goes before a run of ours: what lies in the working directory is what is seen there. A run at
    ``hf://OWNER/NAME`` is fetched.

    Raises:
        SemirayError: no file can have this name, or the run can't be fetched.

    Examples:
        ``find_run("kermany-64")``
    """
    if on_hub(name):
        return fetch(name)
    folder = user_path(name)
    return folder if folder.exists() else shipped_runs().get(str(name), folder)


def called(folder: Path) -> str:
    """What a command calls the run in a folder: a shipped run's name, where no other folder has it, else the path."""
    name = folder.name
    return name if shipped_runs().get(name) == folder and find_run(name) == folder else str(folder)
