"""Train a classifier on real and synthetic images with MONAI: python train_monai.py RUN DATA [EPOCHS]."""

import sys

import monai
import torch
from monai.data import DataLoader, Dataset
from monai.networks.nets import DenseNet121
from monai.transforms import Compose, RandAdjustContrastd, RandRotated, ScaleIntensityRanged

import semiray
from semiray.generation import RadiographDataset

monai.utils.set_determinism(0)
run = semiray.Run.load(sys.argv[1])
data = run.load_data(sys.argv[2])  # as it was read for training
split = run.split(data)

# Items are dictionaries with image, label, synthetic. Only the run's training patients: synthetic images know them.
real = RadiographDataset(data.take(data.labelled(split.train)), run.classes, as_dict=True)
synthetic = semiray.SyntheticDataset(run, len(real), seed=1, as_dict=True)
scale = ScaleIntensityRanged("image", -1, 1, 0, 1)
jitter = [RandRotated("image", 0.1, prob=0.5), RandAdjustContrastd("image", gamma=(0.7, 1.4))]
loader = DataLoader(Dataset(real + synthetic, Compose([scale, *jitter])), batch_size=32, shuffle=True)

network = DenseNet121(spatial_dims=2, in_channels=1, out_channels=len(run.classes))
optimizer = torch.optim.AdamW(network.parameters(), 1e-3)
for _ in range(int(sys.argv[3]) if len(sys.argv) > 3 else 10):
    for batch in loader:
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(network(batch["image"]), batch["label"]).backward()
        optimizer.step()

held_out = RadiographDataset(data.take(data.labelled(split.test)), run.classes, as_dict=True)
network.eval()
with torch.inference_mode():
    right = [network(x["image"]).argmax(1) == x["label"] for x in DataLoader(Dataset(held_out, scale), batch_size=64)]
print(f"{len(real)} real and {len(synthetic)} synthetic images; accuracy on {len(held_out)} images of test patients:")
print(f"{torch.cat(right).float().mean():.3f}")
