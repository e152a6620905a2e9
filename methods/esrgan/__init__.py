"""ESRGAN: an RRDBNet that enlarges 4 times, run in a cascade up to the factor.

No 16x weights were ever published, so this stands for what a strong 4x network makes of large factors
(Wang et al., arXiv:1809.00219; Real-ESRGAN: Wang et al., arXiv:2107.10833).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bench import Asset, AssetError, Batch, Category, Method, Needs, Restored, Size, fetch
from methods.esrgan.weights import BIN, PARAM, PUBLISHED
from methods.shared.networks import cascade, checkpoint

if TYPE_CHECKING:
    import torch

    from methods.esrgan.network import RRDBNet

EMBEDDED = "embedded"
TILE = 512  # outputs of more than 2048 pixels are made in parts
OVERLAP = 48


class Esrgan(Method):
    """Run a 4x RRDBNet in a cascade; Real-ESRGAN x4plus unless other weights are named."""

    name = "esrgan"
    options: Options
    needs = Needs(memory_mb=1100)
    notes = (
        "A 4x network in a cascade (16x = 4x twice, 64x = 4x three times, 32x = 16x and then bicubic 2x), the "
        "image kept in float between the passes; no 16x weights were ever published. The embedded weights are "
        "Real-ESRGAN x4plus, stored in half precision, trained for camera degradations, not plain bicubic LR."
    )

    @dataclass(frozen=True)
    class Options:
        """Which weights: `embedded`, the name of a published file, or the path of any RRDBNet."""

        weights: str = EMBEDDED

    @property
    def title(self) -> str:
        """Whose weights these are, and that they run in a cascade."""
        weights = "Real-ESRGAN x4plus" if self.options.weights == EMBEDDED else Path(self.options.weights).stem
        return f"{weights}, cascaded"

    def assets(self) -> Sequence[Asset | Path]:
        """Return the weight files.

        Raises:
            UsageError: when they are neither a known name nor a file.
        """
        weights = self.options.weights
        if weights == EMBEDDED:
            return PARAM, BIN
        return (checkpoint.named_file(self.name, weights, {EMBEDDED: PARAM, **PUBLISHED}),)

    def supports(self, lr_size: Size, hr_size: Size, factor: int, category: Category) -> str | None:
        """Refuse factors below the network's own; the scale of other weights is known once they are loaded."""
        return cascade.unreachable(4, factor) if self.options.weights == EMBEDDED else None

    def load(self, device: torch.device) -> None:
        """Read the weights.

        Raises:
            AssetError: when they cannot be had, or are no RRDBNet.
        """
        files = [fetch(file) if isinstance(file, Asset) else file for file in self.assets()]
        self.network: torch.nn.Module
        if self.options.weights == EMBEDDED:
            self.network, self._upscaler = _load_embedded(files[0], files[1], device)
        else:
            self.network, self._upscaler = checkpoint.load(files[0], device, only="ESRGAN")

    def restore(self, batch: Batch) -> Restored:
        """Run the cascade."""
        return Restored(cascade.restore(self._upscaler, batch.lr, batch.factor))


def _load_embedded(param: Path, weights: Path, device: torch.device) -> tuple[RRDBNet, cascade.Upscaler]:
    import torch

    from methods.esrgan.network import SCALE

    # measured on 2 cores, 128x128 to 512x512: 2.7 s in channels_last, 9 s in the default layout, 11 s in bfloat16
    network = read_ncnn(param, weights).to(device).to(memory_format=torch.channels_last)

    def forward(image: torch.Tensor) -> torch.Tensor:
        image = image.contiguous(memory_format=torch.channels_last)
        return cascade.tiled(network, image, SCALE, tile=TILE, overlap=OVERLAP)

    return network, cascade.Upscaler(forward, SCALE)


def read_ncnn(param: Path, weights: Path) -> RRDBNet:
    """Return the RRDBNet of an ncnn file, frozen, in float32.

    Raises:
        AssetError: when the files are damaged, or hold another network.
    """
    import torch

    from methods.esrgan.ncnn_file import read_convolutions
    from methods.esrgan.network import RRDBNet

    with torch.device("meta"):
        network = RRDBNet()
    expected = {name: tuple(value.shape) for name, value in network.state_dict().items()}
    # state_dict() lists weight, then bias, a convolution; the network defines these in the order in which they run
    arrays = [array for convolution in read_convolutions(param, weights) for array in convolution]
    if [array.shape for array in arrays] != list(expected.values()):
        raise AssetError(
            f"{param} is not an RRDBNet of 64 channels and 23 blocks", got=f"{len(arrays) // 2} convolutions"
        )
    state = {name: torch.from_numpy(array) for name, array in zip(expected, arrays, strict=True)}
    network.load_state_dict(state, assign=True)
    return network.requires_grad_(False).eval()
