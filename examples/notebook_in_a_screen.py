"""Load a run, generate, look, encode, mix with real images: python notebook_in_a_screen.py RUN DATA [OUT]."""

import sys
from pathlib import Path

from torch import Tensor
from torch.utils.data import ConcatDataset, DataLoader

import semiray
from semiray.generation import RadiographDataset, plot_samples

out = Path(sys.argv[3] if len(sys.argv) > 3 else "looked")
out.mkdir(parents=True, exist_ok=True)
run = semiray.Run.load(sys.argv[1])
event = "survival == 1 and duration <= 14"

# Generate images whose codes obey the event. The same seed gives the same bytes.
sample = semiray.generate(run, 64, label=run.classes[0], where=event, seed=7)
print(f"{len(sample)} x {sample.label_name(0)}; P({event}) = {sample.event_probability:.3f}")
semiray.write_images(sample, out / "synthetic")

# Look: all classes, then the same patients while one factor after another moves.
plot_samples(run).savefig(out / "samples.png")
semiray.traverse(run, patients=2, steps=7).savefig(out / "traversal.png")

# Encode: the codes that the sorter estimates from real, held-out images.
data = run.load_data(sys.argv[2])  # as it was read for training
split = run.split(data)
codes = semiray.encode(run, data.images[split.test])
for factor in run.prior.factors:
    column = run.prior.slices[factor.name].start
    print(f"{factor.name}: held-out mean {codes[:, column].mean():.2f}, the prior's {run.prior.mean[column]:.2f}")

# Mix real training images and as many synthetic ones in one loader.
real = RadiographDataset(data.take(split.train), classes=run.classes)
mixed: ConcatDataset[tuple[Tensor, int]] = ConcatDataset([real, semiray.SyntheticDataset(run, len(real), seed=1)])
images, labels = next(iter(DataLoader(mixed, batch_size=32, shuffle=True)))
print(f"{len(mixed)} images to train with; a batch: {tuple(images.shape)}, labels {labels.bincount().tolist()}")
