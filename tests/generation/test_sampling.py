from collections.abc import Callable
from contextlib import AbstractContextManager

import numpy as np
import pytest
import torch
from scipy import stats

from semiray.errors import SemirayError
from semiray.generation.sampling import BLOCK, Request, class_index, draw_block, generate, render, run_generator
from semiray.networks.intensities import to_grey
from semiray.training import Run


def test_shapes_and_ranges(run: Run) -> None:
    sample = generate(run, 7, seed=3)
    assert sample.images.shape == (7, 32, 32)
    assert sample.images.dtype == np.uint8
    assert sample.images.std() > 1
    assert sample.codes.shape == (7, 20)
    assert sample.codes.dtype == np.float32
    assert sample.names == run.prior.names
    assert (sample.seed, sample.event, sample.event_probability, len(sample)) == (3, None, None, 7)


def test_same_seed_same_bytes_and_another_seed_others(run: Run) -> None:
    first, again, other = generate(run, 20, seed=1), generate(run, 20, seed=1), generate(run, 20, seed=2)
    assert first.images.tobytes() == again.images.tobytes()
    assert first.codes.tobytes() == again.codes.tobytes()
    assert not (first.codes == other.codes).all(axis=1).any()
    assert not (first.images == other.images).all(axis=(1, 2)).any()


def test_global_random_state_plays_no_part(run: Run) -> None:
    torch.manual_seed(1)
    first = generate(run, 3)
    torch.manual_seed(2)
    np.random.default_rng(0)
    state = torch.random.get_rng_state()
    assert generate(run, 3).images.tobytes() == first.images.tobytes()
    assert torch.equal(state, torch.random.get_rng_state())


@pytest.mark.parametrize("where", [None, "survival == 1 and duration <= 14"])
def test_an_image_depends_on_seed_and_index_alone(run: Run, where: str | None) -> None:
    whole = generate(run, 2 * BLOCK + 9, where=where, seed=5)
    for start, n in [(0, 1), (0, 16), (0, 17), (0, BLOCK + 1), (1, 1), (15, 3), (BLOCK - 1, 2), (70, 67)]:
        part = generate(run, n, where=where, seed=5, start=start)
        assert part.images.tobytes() == whole.images[start : start + n].tobytes(), (start, n)
        assert part.codes.tobytes() == whole.codes[start : start + n].tobytes()
        assert (part.labels == whole.labels[start : start + n]).all()


def test_bytes_are_those_of_any_batch_size(run: Run) -> None:
    expected = generate(run, 50).images.astype(int)
    for batch in (8, 32, BLOCK):
        difference = np.abs(Request(run, batch=batch).images(0, 50).images - expected)
        # Arithmetic in another order may round a value that lies on the border between two greys the other way.
        assert difference.max() <= 1
        assert (difference > 0).mean() < 1e-3


def test_padding_leaves_no_trace(run: Run) -> None:
    z, codes = draw_block(run, run.prior, 0, 0)
    labels = np.arange(BLOCK) % 3
    full = render(run, z, codes, labels)
    for n in (1, 15, 16, 33):
        assert (render(run, z[:n], codes[:n], labels[:n]) == full[:n]).all()


def test_pixels_are_the_generators_rounded(run: Run) -> None:
    z, codes = draw_block(run, run.prior, 0, 0)
    labels = np.zeros(BLOCK, np.int64)
    with torch.inference_mode():
        x = run.generator(z, run.prior.standardise(codes), torch.from_numpy(labels))[:, 0].double().numpy()
    assert np.abs(render(run, z, codes, labels) - (x + 1) * 127.5).max() < 0.5 + 1e-3


def test_labels_are_interleaved_in_equal_shares(run: Run) -> None:
    sample = generate(run, 12)
    assert (sample.labels == np.arange(12) % 3).all()
    assert sample.label_name(1) == "normal"
    assert sample.classes == run.classes


def test_a_label_changes_the_disease_not_the_patient(run: Run) -> None:
    first, second = generate(run, 6, label="bacteria"), generate(run, 6, label="virus")
    assert (first.labels == 0).all()
    assert (second.labels == 2).all()
    assert (first.codes == second.codes).all()
    assert (first.images != second.images).any(axis=(1, 2)).all()


def test_a_run_without_classes(unlabelled_run: Run) -> None:
    sample = generate(unlabelled_run, 3)
    assert (sample.labels == -1).all()
    assert sample.label_name(0) == ""
    with pytest.raises(SemirayError, match="without class labels"):
        generate(unlabelled_run, 3, label="normal")


def test_every_row_obeys_the_event(run: Run) -> None:
    sample = generate(run, 150, where="survival == 1 and duration <= 14", seed=7)
    survival, duration = run.prior.slices["survival"].start, run.prior.slices["duration"].start
    assert (sample.codes[:, survival] == 1).all()
    assert (sample.codes[:, duration] <= 14).all()
    assert sample.event == "survival == 1 and duration <= 14"
    assert sample.event_probability == pytest.approx(0.5 * (1 - np.exp(-1.4)), abs=0.03)
    assert len(np.unique(sample.codes, axis=0)) == 150


def test_noise_and_codes_have_their_distributions(run: Run) -> None:
    blocks = [draw_block(run, run.prior, 11, block) for block in range(100)]
    z = torch.cat([z for z, _ in blocks]).numpy()
    codes = torch.cat([c for _, c in blocks]).numpy()
    assert stats.kstest(z.ravel(), "norm").pvalue > 1e-3
    assert stats.kstest(codes[:, 5], stats.expon(scale=10).cdf).pvalue > 1e-3
    assert codes[:, 0].mean() == pytest.approx(0.5, abs=0.025)
    assert np.abs(np.corrcoef(z[:, :10].T) - np.eye(10)).max() < 0.06
    assert np.abs(np.corrcoef(z.T[:16], codes.T)[:16, 16:]).max() < 0.06  # noise and codes are independent


def test_seeds_up_to_64_bits(run: Run) -> None:
    first, second = generate(run, 1, seed=2**64 - 1), generate(run, 1, seed=2**32 - 1)
    assert (first.codes != second.codes).any()
    for seed in (-1, 2**64):
        with pytest.raises(SemirayError, match="seed"):
            generate(run, 1, seed=seed)


def test_progress_counts_images(run: Run) -> None:
    calls: list[tuple[int, int]] = []
    generate(run, 40, start=10, progress=lambda done, total: calls.append((done, total)))
    assert calls[-1] == (40, 40)
    assert [done for done, _ in calls] == sorted({done for done, _ in calls})


def test_errors_say_what_to_do(run: Run) -> None:
    with pytest.raises(SemirayError, match=r"bacteria, normal, virus.*Did you mean 'bacteria'"):
        generate(run, 3, label="Bacterium")
    with pytest.raises(SemirayError, match="not a class of this run"):
        class_index(run.classes, "xyz")
    with pytest.raises(SemirayError, match="at least one"):
        generate(run, 0)
    with pytest.raises(SemirayError, match="start"):
        generate(run, 1, start=-1)
    with pytest.raises(SemirayError, match="duration"):
        generate(run, 1, where="duration < 0")
    with pytest.raises(SemirayError):
        generate(run, 1, where="__import__('os').getcwd()")


def test_a_broken_generator_is_noticed(make_run: Callable[..., Run]) -> None:
    broken = make_run()
    with torch.no_grad():
        next(broken.generator.parameters()).fill_(float("nan"))
    with pytest.raises(SemirayError, match="not finite"):
        generate(broken, 1)


def test_both_architectures(make_run: Callable[..., Run]) -> None:
    assert generate(make_run(architecture="dcgan"), 3).images.shape == (3, 32, 32)


def test_a_gpu_generates_without_mixing_devices(
    make_run: Callable[..., Run], fake_cuda: Callable[[], AbstractContextManager[torch.device]]
) -> None:
    run = make_run()
    z, codes = draw_block(run, run.prior, 0, 0)
    codes = run.prior.standardise(codes)
    with fake_cuda() as device:
        images = run_generator(run.generator.to(device), z, codes, torch.zeros(BLOCK, dtype=torch.int64), bf16=True)
        assert images.device == device
        assert to_grey(images).cpu().shape == (BLOCK, 32, 32)


def test_batches_of_any_size_draw_the_same_noise_and_codes(run: Run) -> None:
    """A GPU's batches hold several blocks, of which some may not be wanted."""
    request = Request(run, seed=3)
    index = np.arange(0, 512)
    wanted = (index >= 70) & (index < 200)
    z, codes = request._draw(index, wanted)
    blocks = [draw_block(run, run.prior, 3, block) for block in range(4)]
    assert z.shape == (512, 16)
    assert torch.equal(z[wanted], torch.cat([z for z, _ in blocks])[70:200])
    assert torch.equal(codes[wanted], torch.cat([c for _, c in blocks])[70:200])
