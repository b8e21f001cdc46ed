from collections.abc import Callable
from contextlib import AbstractContextManager

import numpy as np
import pytest
import torch

from semiray.generation import inversion
from semiray.generation.inversion import Inversion, invert
from semiray.generation.representation import image_error
from semiray.generation.sampling import generate
from semiray.training import Run


@pytest.fixture(scope="module")
def found(run: Run) -> Inversion:
    """The inversion of an image that the run itself made."""
    made = generate(run, 1, seed=5, label="virus")
    return invert(run, made.images[0], made.codes[0], 2)


def test_an_image_that_the_generator_made_is_found_again(run: Run, found: Inversion) -> None:
    made = generate(run, 1, seed=5, label="virus")
    grey, similarity = image_error(made.images[0], found.render(made.codes)[0])
    assert grey < 1.5
    assert similarity > 0.98
    assert found.noise_ssim > 0.95  # by noise alone: nothing needs an offset
    assert found.z.shape == (16,)
    assert np.square(found.z).mean() < 2  # near the standard normal that it comes from


def test_offsets_fit_what_noise_can_t_say(run: Run) -> None:
    foreign = (generate(run, 1).images[0] * 0.5 + 40 + 60 * (np.indices((32, 32)).sum(0) // 8 % 2)).astype(np.uint8)
    codes = run.prior.sample(1, torch.Generator().manual_seed(0)).numpy()
    found = invert(run, foreign, codes[0], 1)
    _, similarity = image_error(foreign, found.render(codes)[0])
    assert similarity > found.noise_ssim + 0.05
    assert found.offset > 0


def test_the_run_is_left_as_it_was(run: Run, found: Inversion) -> None:
    assert found.run.generator is not run.generator
    assert found.run.discriminator is run.discriminator
    own, old = found.run.generator.state_dict(), run.generator.state_dict()
    added = {name: tuple(tensor.shape[2:]) for name, tensor in own.items() if name not in old}
    assert added == {"stages.0.offset": (8, 8)}  # at 32 px, a quarter of the side
    changed = {name for name, tensor in old.items() if not torch.equal(tensor, own[name])}
    assert changed
    assert all(name.endswith("bias") for name in changed)
    assert not any(name.startswith(("last", "norm", "to_pixels")) for name in changed)
    assert not any(parameter.requires_grad for parameter in found.run.generator.parameters())
    assert all(parameter.grad is None for parameter in run.generator.parameters())


def test_a_patients_own_generator_can_be_bent_further(
    run: Run, found: Inversion, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inversion._Search, "starts", lambda *_: torch.from_numpy(found.z)[None])
    made = generate(run, 1, seed=5, label="virus")
    again = invert(found.run, made.images[0], made.codes[0], 2, steps=(0, 0))
    assert again.offset == 0  # against what it started from
    assert (again.render(made.codes) == found.render(made.codes)).all()


def test_same_call_same_numbers(run: Run) -> None:
    made = generate(run, 1, seed=5, label="virus")
    first, again = (invert(run, made.images[0], made.codes[0], 2, steps=(5, 5)) for _ in range(2))
    assert (again.z == first.z).all()
    assert (again.render(made.codes) == first.render(made.codes)).all()
    other = invert(run, made.images[0], made.codes[0], 2, seed=1, steps=(5, 5))
    assert (other.z != first.z).any()


def test_progress_counts_every_step(run: Run) -> None:
    made = generate(run, 1)
    told: list[tuple[int, int]] = []
    invert(run, made.images[0], made.codes[0], 0, steps=(2, 3), progress=lambda done, total: told.append((done, total)))
    assert told == [(i, 5) for i in range(1, 6)]


@pytest.mark.parametrize("architecture", ["residual", "dcgan"])
def test_networks_of_any_kind_without_classes(make_run: Callable[..., Run], architecture: str) -> None:
    run = make_run((), architecture=architecture)
    made = generate(run, 1)
    found = invert(run, made.images[0], made.codes[0], -1, steps=(3, 3))
    assert found.label == -1
    assert found.render(made.codes).shape == (1, 32, 32)
    offsets = [part for name, part in found.run.generator.state_dict().items() if name.endswith("offset")]
    assert [tuple(offset.shape[2:]) for offset in offsets] == [(8, 8)]


def test_the_encoder_finds_noise_that_shows(run: Run) -> None:
    """On a target that the generator made, the encoder's start is nearer than the best of the candidates."""
    made = generate(run, 64, seed=9, label="normal")
    search = inversion._Search(run, made.images[0], made.codes[0], 1)
    with torch.no_grad():
        search.target = search.make(torch.randn(1, 16, generator=torch.Generator().manual_seed(3)))
        starts = search.starts(0)
        errors = (search.make(starts) - search.target).square().mean(dim=(1, 2, 3))
    assert starts.shape == (inversion.STARTS, 16)
    assert errors[0] < errors[1:].min()
    assert (errors[1:].diff() >= 0).all()


@pytest.mark.parametrize("architecture", ["residual", "dcgan"])
def test_the_search_on_a_gpu_mixes_no_devices(
    make_run: Callable[..., Run], architecture: str, fake_cuda: Callable[[], AbstractContextManager[torch.device]]
) -> None:
    run = make_run(architecture=architecture)
    image, codes = np.zeros((32, 32), np.uint8), np.zeros(run.prior.dimensions, np.float32)
    with fake_cuda() as device:
        run.generator.to(device)
        search = inversion._Search(run, image, codes, 1)
        z = search.starts(0)
        assert search.fit_noise(z, 2, lambda _: None).device == device
        size, count = search.fit_offsets(z[:1].detach(), 2, lambda _: None)
        assert size.device == device
        assert count > 0
