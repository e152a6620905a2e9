"""Surrogates: small networks from a bank's feature to the image at twice its size, for searches at low resolution.

A bank's image follows almost wholly from its middle features and the latents above them. A surrogate for 256
reads the 128 feature and replaces all layers above it, at a few per cent of their cost. It is an approximation:
finish with the bank itself.
"""

from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import Tensor, nn

from bench import Bank
from bench.base.errors import unknown
from methods.shared.banks.mobile_layers import haar_up

RESOLUTIONS = (64, 128, 256)
WEIGHTS = Path(__file__).parent / "weights" / "mobilestylegan-surrogates.safetensors"


class NetworkConfig(NamedTuple):
    """What a surrogate reads, and how wide it is."""

    channels: int
    """Of the feature at half its resolution."""
    slots: int
    """How many of the finest latents it reads: those of the layers that it replaces."""
    hidden: int


CONFIGS = {64: NetworkConfig(512, 13, 72), 128: NetworkConfig(512, 10, 64), 256: NetworkConfig(256, 7, 40)}


class Surrogate(nn.Module):
    """1x1, two residual 3x3, Haar bands; scaled and shifted by a code of the finer latents."""

    def __init__(self, resolution: int, width: int = 512, rank: int = 16) -> None:
        super().__init__()
        config = CONFIGS[resolution]
        self.resolution, self.slots, hidden = resolution, config.slots, config.hidden
        self.code = nn.Linear(width, rank)
        self.film = nn.Linear(config.slots * rank, 4 * hidden)
        nn.init.zeros_(self.film.weight)
        self.enter = nn.Conv2d(config.channels, hidden, 1)
        self.body = nn.ModuleList(nn.Conv2d(hidden, hidden, 3, padding=1) for _ in range(2))
        self.bands = nn.Conv2d(hidden, 12, 3, padding=1)

    def forward(self, feature: Tensor, latents: Tensor) -> Tensor:
        """Return the image.

        Args:
            feature: of half the surrogate's resolution, (N, C, r / 2, r / 2).
            latents: (N, width) or one a slot of the bank, (N, slots, width).

        Returns:
            About [-1, 1], (N, 3, r, r).
        """
        latents = latents[:, None].expand(-1, self.slots, -1) if latents.ndim == 2 else latents
        film = self.film(self.code(latents[:, -self.slots :]).flatten(1))[:, :, None, None]
        gain, shift, gain2, shift2 = film.chunk(4, 1)
        x = F.leaky_relu(self.enter(feature) * (1 + gain) + shift, 0.2)
        x = x + F.leaky_relu(self.body[0](x) * (1 + gain2) + shift2, 0.2)
        bands = self.bands(x + F.leaky_relu(self.body[1](x), 0.2))
        return haar_up(bands, bands.new_ones(bands.shape[:2]))


def load(bank: Bank, resolution: int) -> Surrogate:
    """Return the fitted surrogate of a bank, frozen, where the bank is.

    Raises:
        UsageError: when there is none for this bank and resolution.
    """
    fitted = [f"mobilestylegan at {res}" for res in RESOLUTIONS]
    if f"{bank.name} at {resolution}" not in fitted:
        raise unknown("surrogate", f"{bank.name} at {resolution}", fitted)
    return _fitted(resolution, bank.latents.width, bank.mean_latent.device)


@lru_cache(maxsize=8)
def _fitted(resolution: int, width: int, device: torch.device) -> Surrogate:
    """Read a surrogate once: a search asks for it for every image, a training at every step."""
    with torch.device("meta"):  # draws no random weights from the caller's generator
        surrogate = Surrogate(resolution, width)
    tensors = load_file(WEIGHTS)
    values = {name: tensors[f"{resolution}.{name}"].float() for name in surrogate.state_dict()}
    surrogate.load_state_dict(values, assign=True)
    return surrogate.requires_grad_(False).eval().to(device).to(memory_format=torch.channels_last)
