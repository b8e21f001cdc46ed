"""A plain DCGAN with InfoGAN's code head, as tutorials write it: the baseline of benchmarks/performance.py.

Radford et al. 2016 (arXiv 1511.06434) and Chen et al. 2016 (arXiv 1606.03657), with the widths of PyTorch's DCGAN
tutorial (64 channels, doubled at each halving) and mean squared error on continuous codes. Float32, three passes of the
discriminator and one backward pass for each loss, nothing shared, nothing tuned for a machine.
"""

from collections.abc import Callable

import torch
from torch import nn


def make_generator(resolution: int, inputs: int, width: int = 64) -> nn.Sequential:
    """Transposed convolutions from 1 x 1 up; 64 pixels as in the tutorial."""
    channels = width * resolution // 8
    layers: list[nn.Module] = [nn.ConvTranspose2d(inputs, channels, 4, 1, 0, bias=False)]
    size = 4
    while size * 2 < resolution:
        layers += [nn.BatchNorm2d(channels), nn.ReLU(True)]
        layers.append(nn.ConvTranspose2d(channels, channels // 2, 4, 2, 1, bias=False))
        channels, size = channels // 2, size * 2
    layers += [nn.BatchNorm2d(channels), nn.ReLU(True), nn.ConvTranspose2d(channels, 1, 4, 2, 1), nn.Tanh()]
    return nn.Sequential(*layers)


class Discriminator(nn.Module):
    """Strided convolutions down to 4 x 4, a head that judges and one that reads the codes."""

    def __init__(self, resolution: int, codes: int, width: int = 64) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.Conv2d(1, width, 4, 2, 1, bias=False), nn.LeakyReLU(0.2, True)]
        channels, size = width, resolution // 2
        while size > 4:
            layers += [nn.Conv2d(channels, channels * 2, 4, 2, 1, bias=False), nn.BatchNorm2d(channels * 2)]
            layers.append(nn.LeakyReLU(0.2, True))
            channels, size = channels * 2, size // 2
        self.trunk = nn.Sequential(*layers)
        self.judge = nn.Conv2d(channels, 1, 4, 1, 0)
        self.read = nn.Sequential(nn.Flatten(), nn.Linear(channels * 16, 128), nn.ReLU(True), nn.Linear(128, codes))

    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Logits (B,) and codes as read (B, M)."""
        features = self.trunk(images)
        return self.judge(features).flatten(), self.read(features)


def tutorial_loop(resolution: int, codes: int = 20, noise: int = 100) -> Callable[[torch.Tensor, torch.Tensor], None]:
    """One step: (images (B, H, W) uint8, labels) -> nothing; the labels are not used."""
    generator, discriminator = make_generator(resolution, noise + codes), Discriminator(resolution, codes)
    moves_d = torch.optim.Adam(discriminator.parameters(), lr=2e-4, betas=(0.5, 0.999))
    moves_g = torch.optim.Adam(generator.parameters(), lr=2e-4, betas=(0.5, 0.999))
    judged, squared = nn.BCEWithLogitsLoss(), nn.MSELoss()

    def step(real: torch.Tensor, _labels: torch.Tensor) -> None:
        batch = len(real)
        images = real[:, None].float() / 127.5 - 1
        discriminator.zero_grad()
        judged(discriminator(images)[0], torch.ones(batch)).backward()
        c = torch.rand(batch, codes) * 2 - 1
        fake = generator(torch.cat([torch.randn(batch, noise), c], 1)[:, :, None, None])
        judged(discriminator(fake.detach())[0], torch.zeros(batch)).backward()
        moves_d.step()
        generator.zero_grad()
        logits, read = discriminator(fake)
        (judged(logits, torch.ones(batch)) + squared(read, c)).backward()
        moves_g.step()

    return step
