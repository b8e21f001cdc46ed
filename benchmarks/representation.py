r"""Re-presentation of held-out images: how alike, and does the factor that moves move what the sorter reads?

    python benchmarks/representation.py RUN DATA -n 20

DATA is what RUN was trained on; images are drawn from the test patients of its split. Reconstruction: SSIM and mean
absolute error in grey levels, with noise alone and with offsets. Moves: of each factor, over all images and steps, the
Pearson correlation between the lead score asked for and the lead score that the sorter reads from the image made, and
how far the sorter's reading of the *other* factors' leads strays from the first step to the last, as a share of their
range (as probabilities, so that the range is 1). The sorter trained the generator, which flatters.
"""

import argparse
import json
import time
from pathlib import Path

import numpy as np
import torch
from scipy.special import ndtr

import semiray
from semiray.generation import encode, encode_scores, invert
from semiray.generation.representation import guess_class, image_error, moved_codes
from semiray.radiographs.pixels import read_radiograph


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("data", type=Path)
    parser.add_argument("-n", type=int, default=20)
    asked = parser.parse_args()
    run = semiray.Run.load(asked.run)
    keys = json.loads((asked.run / "split.json").read_text(encoding="utf-8"))["test"]
    keys = [keys[i] for i in np.random.default_rng(0).permutation(len(keys))[: asked.n]]
    images = [read_radiograph(asked.data / key, run.resolution, run.settings.data.framing) for key in keys]

    leads = {factor.name: run.prior.slices[factor.name].start for factor in run.prior.factors}
    columns = list(leads.values())
    codes = encode(run, np.stack(images))
    found, errors, seconds = [], [], []
    for image, code in zip(images, codes, strict=True):
        started = time.process_time()
        found.append(invert(run, image, code, guess_class(run, image)))
        seconds.append(time.process_time() - started)
        errors.append(image_error(image, found[-1].render(code[None])[0]))
    for title, values in {
        "SSIM": [ssim for _, ssim in errors],
        "SSIM, noise alone": [one.noise_ssim for one in found],
        "error in grey levels": [grey for grey, _ in errors],
        "root mean square of z": [float(np.sqrt(np.mean(one.z**2))) for one in found],
        "root mean square of the offsets": [one.offset for one in found],
    }.items():
        print(f"{title}: mean {np.mean(values):.3f}, {np.min(values):.3f} to {np.max(values):.3f}", flush=True)
    for i, name in enumerate(leads):
        moved = np.stack([moved_codes(run.prior, code, name, steps=5) for code in codes])
        made = [one.render(path) for one, path in zip(found, moved, strict=True)]
        read = np.stack([encode_scores(run, some)[:, columns] for some in made])  # images, steps, factors
        wanted = run.prior.scores(torch.from_numpy(moved)).numpy()[:, :, leads[name]]
        correlation = np.corrcoef(wanted.ravel(), read[..., i].ravel())[0, 1]
        stray = np.abs(np.diff(ndtr(read[:, [0, -1]]), axis=1))[:, 0].mean(axis=0)
        others = ", ".join(f"{other} {stray[j]:.3f}" for j, other in enumerate(leads) if other != name)
        print(f"{name} moves: Pearson {correlation:.3f}; others stray by {others}", flush=True)
    print(f"{np.mean(seconds):.1f} seconds of the processor an image, {len(images)} images")


if __name__ == "__main__":
    main()
