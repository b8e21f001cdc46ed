"""The few numbers that determine a pair of networks."""

from dataclasses import dataclass

from torch import nn

from semiray.errors import SemirayError

__all__ = ["RESOLUTIONS", "NetworkShape", "keep_variance", "stage_resolutions", "stage_widths"]

RESOLUTIONS = (32, 64, 128, 256, 512)


@dataclass(frozen=True)
class NetworkShape:
    """The sizes that generator and discriminator agree on.

    Args:
        resolution: side of the square images in pixels, one of `RESOLUTIONS`.
        codes: number of code dimensions M.
        classes: number of disease classes; 0 for unlabelled data.
        noise: length Z of the noise.
        width: channels of the widest-resolution maps; deeper ones have twice as many at each halving, up to `widest`.
        widest: the cap on channels.
        embedding: length of a label's embedding; the generator's condition is four times as long.
        grounded: number L of leads that metadata ground, which are inputs of the critic.
    """

    resolution: int
    codes: int
    classes: int = 0
    noise: int = 64
    width: int = 32
    widest: int = 256
    embedding: int = 32
    grounded: int = 0

    def __post_init__(self) -> None:
        if self.resolution not in RESOLUTIONS:
            known = ", ".join(map(str, RESOLUTIONS))
            raise SemirayError(f"resolution is {self.resolution}: the networks exist for {known} pixels")


def stage_resolutions(resolution: int) -> list[int]:
    """Sides of the feature maps, smallest first: 4, 8, ... up to half the image."""
    return [2**power for power in range(2, resolution.bit_length() - 1)]


def stage_widths(shape: NetworkShape) -> list[int]:
    """Channels at each of `stage_resolutions`, smallest map (most channels) first."""
    count = len(stage_resolutions(shape.resolution))
    return [min(shape.widest, shape.width * 2 ** (count - 1 - i)) for i in range(count)]


def keep_variance(network: nn.Module) -> None:
    """Initialise weights so that the signal keeps its variance from layer to layer (He et al. 2015, arXiv 1502.01852).

    Without normalisation, PyTorch's default divides the signal by about three per layer, and the critic learns almost
    nothing for hundreds of steps.
    """
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(module.weight, a=0.2)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
