"""Learned perceptual image patch similarity (Zhang et al., CVPR 2018), version 0.1.

Network and linear heads are those of the `lpips` package. The trunks are torchvision's ImageNet classifiers:
when one cannot be had its metric is unavailable, and no other network answers under its name.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import torch

from bench.assets.declare import Address, Asset
from bench.base.metric import Better, ImageMetric
from bench.base.types import Pixels
from bench.images.png import to_tensor
from bench.metrics.common import Stages, check_large, check_size, finite, weights

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

Trunk = Literal["alex", "vgg", "squeeze"]

_LICENCE = "BSD-3-Clause code; the network was trained on ImageNet"


def _trunk(file: str, size: int, sha256: str) -> Asset:
    source = Address(f"https://download.pytorch.org/models/{file}")
    return Asset(f"torchvision/{file}", _LICENCE, size, sha256, (source,))


TRUNKS: dict[Trunk, Asset] = {
    "alex": _trunk(
        "alexnet-owt-7be5be79.pth",
        244_408_911,
        "7be5be791159472b1fbf3c69796f7cb30dca7ad8466c2df70058c37116cdee02",
    ),
    "vgg": _trunk(
        "vgg16-397923af.pth",
        553_433_881,
        "397923af8e79cdbb6a7127f12361acd7a2f83e06b05044ddf496e83de57a5bf0",
    ),
    "squeeze": _trunk(
        "squeezenet1_1-b8a52dc0.pth",
        4_958_839,
        "b8a52dc049b60e4b6ab68ad0df457362afab8b6304b2febdc1650a5dab4d7e7b",
    ),
}
SMALLEST = 64  # below, the trunks' poolings leave nothing to average


class Lpips(ImageMetric):
    """LPIPS with the AlexNet trunk: the one that papers mean."""

    name: ClassVar[str] = "lpips"
    better: ClassVar[Better] = Better.LOWER
    signature: ClassVar[str] = "lpips|alex|0.1|[-1,1]|full-size|uint8|v1"
    reference: ClassVar[Literal["hr", "lr", "none"]] = "hr"
    trunk: ClassVar[Trunk] = "alex"

    def assets(self) -> Sequence[Asset]:
        """Need the trunk; the heads come with the `lpips` package."""
        return (TRUNKS[self.trunk],)

    def load(self, device: torch.device) -> None:
        """Read trunk and heads.

        Raises:
            Unavailable: when the trunk cannot be had.
        """
        path = weights(self.name, TRUNKS[self.trunk])
        self.build(torch.load(path, map_location="cpu", weights_only=True), device)

    def build(self, trunk: Mapping[str, Tensor], device: torch.device) -> None:
        """Put a trunk, by torchvision's names, under the package's heads."""
        self.device = device
        self.network = network(self.trunk, trunk).to(device, memory_format=torch.channels_last)

    @torch.inference_mode()
    def features(self, reference: Pixels) -> Stages:
        """Return the unit-normalised features of HR."""
        check_large(self.name, reference, SMALLEST)
        return self._describe(reference)

    @torch.inference_mode()
    def compare(self, sr: Pixels, features: Stages, factor: int) -> float:
        """Return the distance, 0 for equal images."""
        check_size(self.name, sr, features.size)
        pairs = zip(self.network.lins, self._describe(sr).maps, features.maps, strict=True)
        return finite(self.name, sum(head(a.sub_(b).square_()).mean().item() for head, a, b in pairs))

    def _describe(self, image: Pixels) -> Stages:
        x = to_tensor(image).to(self.device).contiguous(memory_format=torch.channels_last)
        maps = self.network.net(self.network.scaling_layer(2 * x - 1))
        return Stages(image.shape[:2], [_unit(stage) for stage in maps])


def _unit(stage: Tensor) -> Tensor:
    """Return the package's `normalize_tensor`, in half of its time."""
    unit: Tensor = stage / torch.linalg.vector_norm(stage, dim=1, keepdim=True).add_(1e-10)
    return unit


class LpipsVgg(Lpips):
    """LPIPS with the VGG16 trunk."""

    name: ClassVar[str] = "lpips_vgg"
    better: ClassVar[Better] = Better.LOWER
    signature: ClassVar[str] = "lpips|vgg|0.1|[-1,1]|full-size|uint8|v1"
    reference: ClassVar[Literal["hr", "lr", "none"]] = "hr"
    trunk: ClassVar[Trunk] = "vgg"


class LpipsSqueeze(Lpips):
    """LPIPS with the SqueezeNet 1.1 trunk."""

    name: ClassVar[str] = "lpips_squeeze"
    better: ClassVar[Better] = Better.LOWER
    signature: ClassVar[str] = "lpips|squeeze|0.1|[-1,1]|full-size|uint8|v1"
    reference: ClassVar[Literal["hr", "lr", "none"]] = "hr"
    trunk: ClassVar[Trunk] = "squeeze"


def network(trunk: Trunk, state: Mapping[str, Tensor]) -> Any:
    """Return the `lpips` package's network with its heads and a trunk by torchvision's names."""
    import lpips

    with torch.device("meta"), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the package asks torchvision in a way that is no longer liked
        net = lpips.LPIPS(pretrained=False, pnet_rand=True, net=trunk, verbose=False)
    heads = Path(lpips.__file__).with_name("weights") / "v0.1" / f"{trunk}.pth"
    values = torch.load(heads, map_location="cpu", weights_only=True)
    for key in net.net.state_dict():  # slice3.6.weight, where torchvision says features.6.weight
        values[f"net.{key}"] = state[f"features.{key.partition('.')[2]}"]
    net.load_state_dict(values, strict=False, assign=True)
    return net.eval().requires_grad_(False)
