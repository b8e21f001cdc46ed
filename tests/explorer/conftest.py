"""A run that learned nothing, its training set, and the explorer's studio over them."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from semiray.explorer.studio import Studio
from semiray.radiographs import RadiographSet
from semiray.training import Run


@pytest.fixture(scope="session")
def known(tmp_path_factory: pytest.TempPathFactory, run_maker: Any, real: RadiographSet) -> tuple[Run, RadiographSet]:
    """A run of three classes and what it was trained on."""
    run, _ = run_maker(tmp_path_factory.mktemp("explorer") / "RUN", real)
    return run, real


@pytest.fixture
def studio(known: tuple[Run, RadiographSet]) -> Studio:
    return Studio(*known)


@pytest.fixture(scope="session")
def picture(tmp_path_factory: pytest.TempPathFactory, real: RadiographSet) -> Path:
    """A real image on the disk."""
    from PIL import Image

    path = tmp_path_factory.mktemp("upload") / "patient 1.png"
    Image.fromarray(real.images[0]).save(path)
    return path


@pytest.fixture(scope="module")
def short_search() -> Iterator[None]:
    """Uploads are reconstructed in four steps, badly, but at once."""
    from semiray.generation import invert

    with mock.patch("semiray.explorer.uploads.invert", partial(invert, steps=(2, 2))):
        yield
