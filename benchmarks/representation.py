r"""Re-presentation of held-out images: how alike, and does the factor that moves move what is read, and nothing else?

    python benchmarks/representation.py RUN --data DATA -n 20              # real images: read by the run's own sorter
    python benchmarks/representation.py RUN --oracle grounding -n 100      # phantoms: read by the oracle

DATA is what RUN was trained on; images are drawn from the test patients of its split. Phantoms are rendered afresh; the
oracle is that of benchmarks/grounding.py, in its output folder. Reconstruction: SSIM and mean absolute error in grey
levels, with noise alone and with offsets. Moves: of each factor in five steps, over all images and steps, the Pearson
correlation between the lead asked for and the lead read from the image made, and how far the reading of the *other*
leads strays from the first step to the last, mean absolute, as a share of their range. The sorter trained the
generator, so this is biased upwards; the oracle has met neither.
"""

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import ndtr

import semiray
from phantom_oracle import LEADS, PHANTOMS, RANGES, STEPS, get_oracle, leads, phantoms
from semiray.generation import Inversion, encode, encode_scores, invert
from semiray.generation.representation import guess_class, image_error, moved_codes
from semiray.radiographs.pixels.framing import read_radiograph

Floats = NDArray[np.float64]
Images = NDArray[np.uint8]
Reader = Callable[[Images], Floats]
PHANTOM_SEED = 900_006


def held_out_images(run: semiray.Run, data: Path, count: int) -> Images:
    """Images (N, H, W) of the run's test patients, at random."""
    keys = json.loads((run.path / "split.json").read_text(encoding="utf-8"))["test"]
    keys = [keys[i] for i in np.random.default_rng(0).permutation(len(keys))[:count]]
    return np.stack([read_radiograph(data / key, run.resolution, run.settings.data.framing) for key in keys])


def by_sorter(run: semiray.Run) -> tuple[Reader, Reader]:
    """Functions of codes and of images that give the leads (N, F) in parts of their range, as probabilities."""
    columns = [run.prior.slices[factor.name].start for factor in run.prior.factors]

    def wanted(codes: Floats) -> Floats:
        return ndtr(run.prior.scores(torch.from_numpy(codes)).numpy()[:, columns])

    return wanted, lambda images: ndtr(encode_scores(run, images)[:, columns].astype(np.float64))


def by_oracle(run: semiray.Run, folder: Path) -> tuple[Reader, Reader]:
    """The same, as the oracle reads them."""
    if not (folder / f"oracle-{run.resolution}.safetensors").exists():
        raise SystemExit(f"{folder} holds no oracle of {run.resolution} px: run benchmarks/grounding.py --out {folder}")
    oracle = get_oracle(folder, run.resolution, PHANTOMS, STEPS)
    print("oracle", json.dumps(oracle.figures))
    ranges = np.array([RANGES[name] for name in LEADS])
    return lambda codes: leads(codes) / ranges, lambda images: oracle.read(images) / ranges


def show_reconstructions(images: Images, found: list[Inversion], made: list[Images]) -> None:
    """Print how alike images and their reconstructions are."""
    errors = [image_error(image, one) for image, one in zip(images, made, strict=True)]
    for title, values in {
        "SSIM": [ssim for _, ssim in errors],
        "SSIM, noise alone": [one.noise_ssim for one in found],
        "error in grey levels": [grey for grey, _ in errors],
        "root mean square of z": [float(np.sqrt(np.mean(one.z**2))) for one in found],
        "root mean square of the offsets": [one.offset for one in found],
    }.items():
        print(f"{title}: mean {np.mean(values):.3f}, {np.min(values):.3f} to {np.max(values):.3f}", flush=True)


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--data", type=Path)
    source.add_argument("--oracle", type=Path)
    parser.add_argument("-n", type=int, default=20)
    asked = parser.parse_args()
    run = semiray.Run.load(asked.run)
    if asked.oracle:
        images = phantoms(asked.n, run.resolution, PHANTOM_SEED)[0]
        wanted, read = by_oracle(run, asked.oracle)
    else:
        images = held_out_images(run, asked.data, asked.n)
        wanted, read = by_sorter(run)

    codes = encode(run, images)
    started = time.process_time()
    found = [invert(run, image, code, guess_class(run, image)) for image, code in zip(images, codes, strict=True)]
    seconds = time.process_time() - started
    show_reconstructions(images, found, [one.render(code[None])[0] for one, code in zip(found, codes, strict=True)])
    names = [factor.name for factor in run.prior.factors]
    for i, name in enumerate(names):
        moved = np.stack([moved_codes(run.prior, code, name, steps=5) for code in codes])  # images, steps, M
        made = np.stack([read(one.render(path)) for one, path in zip(found, moved, strict=True)])  # images, steps, F
        asked_for = wanted(moved.reshape(-1, moved.shape[-1]))[:, i]
        correlation = np.corrcoef(asked_for, made[..., i].ravel())[0, 1]
        stray = np.abs(made[:, -1] - made[:, 0]).mean(axis=0)
        others = ", ".join(f"{other} {stray[j]:.3f}" for j, other in enumerate(names) if other != name)
        print(f"{name} moves: Pearson {correlation:.3f}; others stray by {others}", flush=True)
    print(f"{seconds / len(images):.1f} seconds of the processor an image, {len(images)} images")


if __name__ == "__main__":
    main()
