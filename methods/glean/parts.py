"""The parts of the embedded GLEAN: encoder, latents, fusions and decoder."""

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bench import Bank
from methods.glean.weightfile import NetworkConfig
from methods.shared import linear_guess
from methods.shared.networks.consistency import enlarge


def doublings(low: int, high: int) -> list[int]:
    return [low << k for k in range((high // low).bit_length())]


def _convolution(inputs: int, outputs: int, stride: int = 1) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, 3, stride, 1)


def _active(*layers: nn.Module) -> nn.Sequential:
    return nn.Sequential(*(part for layer in layers for part in (layer, nn.LeakyReLU(0.2))))


def _silent(layer: nn.Conv2d | nn.Linear) -> nn.Module:
    """Start a residual's last layer at nothing, so that training begins from the bank as it is."""
    nn.init.zeros_(layer.weight)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer


class Encoder(nn.Module):
    """A dense trunk at the LR's own resolution, then stride-2 steps down to 4x4."""

    def __init__(self, inputs: tuple[int, ...], shape: NetworkConfig) -> None:
        super().__init__()
        self.first = _convolution(3, shape.trunk)
        self.trunk = nn.Sequential(*(DenseBlock(shape.trunk, shape.growth) for _ in range(shape.blocks)))
        self.entries = nn.ModuleDict({str(r): _active(_convolution(shape.trunk, shape.encoder)) for r in inputs})
        self.steps = nn.ModuleDict({str(r): Step(shape.encoder) for r in doublings(4, max(inputs))[:-1]})

    def forward(self, lr: Tensor) -> tuple[Tensor, dict[int, Tensor]]:
        """Return the trunk's feature and the encoder's features by resolution, the LR's own down to 4."""
        side = lr.shape[-1]
        first = self.first(lr.contiguous(memory_format=torch.channels_last))
        trunk = first + self.trunk(first)
        pyramid = {side: self.entries[str(side)](trunk)}
        for above, below in pairwise(reversed(doublings(4, side))):
            pyramid[below] = self.steps[str(below)](pyramid[above])
        return trunk, pyramid


class DenseBlock(nn.Module):
    """Five densely connected convolutions with a residual of 0.2 (Wang et al. 2018)."""

    def __init__(self, width: int, growth: int) -> None:
        super().__init__()
        outputs = [growth] * 4 + [width]
        self.convolutions = nn.ModuleList(_convolution(width + k * growth, out) for k, out in enumerate(outputs))

    def forward(self, x: Tensor) -> Tensor:
        features = [x]
        for convolution in self.convolutions[:-1]:
            features.append(F.leaky_relu(convolution(torch.cat(features, 1)), 0.2))
        return x + 0.2 * self.convolutions[-1](torch.cat(features, 1))


class Step(nn.Module):
    """Half the resolution, then a residual pair."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.down = _active(_convolution(width, width, 2))
        self.pair = nn.Sequential(_active(_convolution(width, width)), _convolution(width, width))

    def forward(self, x: Tensor) -> Tensor:
        x = self.down(x)
        return x + self.pair(x)


class LatentHead(nn.Module):
    """One latent a slot: a linear guess from the pixels, a shared offset and the slot's own low-rank offset."""

    mean: Tensor

    def __init__(self, bank: Bank, shape: NetworkConfig) -> None:
        super().__init__()
        slots, width = bank.latents
        self.register_buffer("mean", bank.mean_latent.clone(), persistent=False)
        self.guess = _silent(nn.Linear(linear_guess.INPUTS, width))
        self.body = _active(nn.Linear(shape.encoder * 16, shape.latent))
        self.shared = _silent(nn.Linear(shape.latent, width))
        self.slots = _silent(nn.Linear(shape.latent, slots * shape.slot_rank))
        self.basis = nn.Parameter(torch.randn(slots, shape.slot_rank, width) * 0.02)

    def forward(self, lr: Tensor, coarsest: Tensor) -> Tensor:
        h = self.body(coarsest.flatten(1))
        offsets = self.slots(h).view(len(h), *self.basis.shape[:2])
        own = torch.einsum("nsk,skd->nsd", offsets, self.basis)
        common: Tensor = self.mean + self.guess(linear_guess.average_pixels(lr)) + self.shared(h)
        return common[:, None] + own


class Fusion(nn.Module):
    """The S_i of the paper, factored: a bank feature plus a residual made of it and the encoder's feature."""

    def __init__(self, channels: int, encoder: int, rank: int) -> None:
        super().__init__()
        self.body = _active(nn.Conv2d(channels + encoder, rank, 1), _convolution(rank, rank))
        self.out = _silent(nn.Conv2d(rank, channels, 1))

    def forward(self, feature: Tensor, encoded: Tensor) -> Tensor:
        return feature + self.out(self.body(torch.cat([feature, encoded], 1)))


class Decoder(nn.Module):
    """Doubles from the LR's size to `middle`, reading the bank's features on the way; its image is residual."""

    def __init__(self, bank: Bank, inputs: tuple[int, ...], middle: int, shape: NetworkConfig) -> None:
        super().__init__()
        sizes = doublings(min(inputs), middle)
        self.middle = middle
        self.width = {r: max(shape.decoder >> max(0, (r // 32).bit_length() // 2), 16) for r in sizes}
        self.starts = nn.ModuleDict({str(r): nn.Conv2d(shape.trunk, self.width[r], 1) for r in inputs})
        self.reads = nn.ModuleDict({str(r): nn.Conv2d(bank.channels[r], self.width[r], 1) for r in sizes[:-1]})
        self.doublings = nn.ModuleDict(
            {str(a): _doubling(self.width[a], self.width[b]) for a, b in pairwise(sizes)}
        )
        self.images = nn.ModuleDict({str(r): _to_image(self.width[r], 3) for r in sizes[-2:]})
        self.share = _to_image(self.width[middle], 1)

    def forward(
        self, lr: Tensor, trunk: Tensor, features: dict[int, Tensor], size: int
    ) -> tuple[Tensor, Tensor | None]:
        """Return the image at `size` and, at `middle`, the share of the bank's detail above it."""
        image, x = lr, self.starts[str(lr.shape[-1])](trunk)
        for resolution in doublings(lr.shape[-1], size)[:-1]:
            x = self.doublings[str(resolution)](
                torch.cat([x, self.reads[str(resolution)](features[resolution])], 1)
            )
            if str(2 * resolution) in self.images:
                image = enlarge(image, 2 * resolution) + self.images[str(2 * resolution)](x).float()
        return image, torch.sigmoid(self.share(x).float()) if size == self.middle else None


def _doubling(inputs: int, outputs: int) -> nn.Sequential:
    body = _active(_convolution(2 * inputs, inputs))
    return nn.Sequential(body, _convolution(inputs, 4 * outputs), nn.PixelShuffle(2), nn.LeakyReLU(0.2))


def _to_image(width: int, channels: int) -> nn.Sequential:
    return nn.Sequential(_active(_convolution(width, width)), _silent(_convolution(width, channels)))
