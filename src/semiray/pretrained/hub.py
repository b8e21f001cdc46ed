"""Runs on the Hugging Face Hub: fetched by their address, `hf://OWNER/NAME`, and uploaded."""

import re
from importlib.metadata import version
from pathlib import Path
from typing import Any

from semiray.errors import SemirayError

__all__ = ["PUBLISHED", "check_repository", "fetch", "on_hub", "push"]

PUBLISHED = ("settings.yaml", "model.safetensors", "README.md", "traces.npy")
"""What a published run consists of, and all that is fetched; the last is only there where it may be."""

_NAME = r"[A-Za-z0-9](?:[\w.-]*\w)?"
_REPOSITORY = re.compile(rf"{_NAME}/{_NAME}", re.ASCII)
_ADDRESS = re.compile(rf"hf:/{{1,2}}({_NAME}/{_NAME})(?:@({_NAME}))?", re.ASCII)  # one slash: what Path leaves of two


def on_hub(name: Path | str) -> bool:
    """Whether this is meant to be the address of a run on the Hub."""
    return str(name).replace("\\", "/").startswith("hf:/")


def fetch(address: Path | str) -> Path:
    """Download a run, or what has changed of it, into semiray's cache folder.

    Only the files of a run are taken; they are data, and are read as those of any other run are.

    Args:
        address: ``hf://OWNER/NAME``, or ``hf://OWNER/NAME@REVISION`` for a branch, a tag or a commit.

    Returns:
        The run's folder.

    Raises:
        SemirayError: this is no such address, the extra `hub` isn't installed, or the run can't be fetched.
    """
    from semiray.radiographs import cache_folder

    found = _ADDRESS.fullmatch(str(address).replace("\\", "/"))
    if found is None:
        raise SemirayError(f"{address}: expected hf://OWNER/NAME or hf://OWNER/NAME@REVISION.")
    repository, revision = found.groups()
    folder = cache_folder() / "hub" / (repository if revision is None else f"{repository}@{revision}")
    library = _library()
    try:
        library.snapshot_download(repository, revision=revision, local_dir=folder, allow_patterns=list(PUBLISHED))
    except Exception as error:  # of its own, of its web client, of the system
        raise SemirayError(
            f"hf://{repository} can't be fetched: {error or type(error).__name__}. Is the name right, and may you read "
            "it? `hf auth login` tells the Hub who you are."
        ) from error
    if not (folder / "settings.yaml").exists():
        raise SemirayError(f"hf://{repository} isn't a run of semiray: it holds no settings.yaml.")
    return folder


def push(folder: Path, repository: str) -> str:
    """Upload a published run; a repository that doesn't exist yet is made, and is private.

    Args:
        folder: what `semiray.report.publish` wrote.
        repository: ``OWNER/NAME``.

    Returns:
        The address of its page.

    Raises:
        SemirayError: this is no such name, the extra `hub` isn't installed, or the Hub refuses.
    """
    check_repository(repository)
    library = _library()
    try:
        hub = library.HfApi(library_name="semiray", library_version=version("semiray"))
        page = hub.create_repo(repository, private=True, exist_ok=True)
        hub.upload_folder(
            repo_id=repository,
            folder_path=folder,
            allow_patterns=list(PUBLISHED),
            commit_message=f"Published with semiray {version('semiray')}",
        )
    except Exception as error:  # of its own, of its web client, of the system
        raise SemirayError(
            f"{folder} can't be uploaded to {repository}: {error or type(error).__name__}. `hf auth login` tells "
            "the Hub who you are."
        ) from error
    return str(page)


def check_repository(repository: str) -> None:
    """Raise SemirayError unless this is the name of a repository."""
    if not _REPOSITORY.fullmatch(repository):
        raise SemirayError(f"push={repository}: expected OWNER/NAME.")


def _library() -> Any:
    try:
        import huggingface_hub
    except ImportError as error:
        raise SemirayError(
            "The Hugging Face Hub needs a package that isn't installed: pip install 'semiray[hub]'."
        ) from error
    return huggingface_hub
