"""Train a classifier on real and synthetic images with torchvision: python train_torchvision.py RUN DATA [EPOCHS]."""

import sys

import torch
from torch.utils.data import DataLoader
from torchvision.models import resnet18
from torchvision.transforms import v2

import semiray
from semiray.generation import RadiographDataset

torch.manual_seed(0)
run = semiray.Run.load(sys.argv[1])
data = run.load_data(sys.argv[2])  # as it was read for training
split = run.split(data)

# torchvision's intensity transforms clip to [0, 1], its networks take three channels.
prepare = [v2.Normalize([-1], [2]), v2.Grayscale(3)]
jitter = v2.Compose([*prepare, v2.RandomAffine(5, (0.05, 0.05), (0.9, 1.1)), v2.ColorJitter(0.2, 0.2)])
# Only the run's training patients: synthetic images know them.
real = RadiographDataset(data.take(data.labelled(split.train)), run.classes, jitter)
synthetic = semiray.SyntheticDataset(run, len(real), seed=1, transform=jitter)
loader = DataLoader(real + synthetic, batch_size=32, shuffle=True)

network = resnet18(num_classes=len(run.classes))
optimizer = torch.optim.AdamW(network.parameters(), 1e-3)
for _ in range(int(sys.argv[3]) if len(sys.argv) > 3 else 10):
    for images, labels in loader:
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(network(images), labels).backward()
        optimizer.step()

held_out = RadiographDataset(data.take(data.labelled(split.test)), run.classes, v2.Compose(prepare))
network.eval()
with torch.inference_mode():
    right = [network(images).argmax(1) == labels for images, labels in DataLoader(held_out, batch_size=64)]
print(f"{len(real)} real and {len(synthetic)} synthetic images; accuracy on {len(held_out)} images of test patients:")
print(f"{torch.cat(right).float().mean():.3f}")
