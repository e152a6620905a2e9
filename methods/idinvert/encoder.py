"""The domain-guided encoder: from an LR image to one latent a slot of the bank.

The paper's encoder halves a 256-pixel image by residual blocks down to 4x4 and ends in one full matrix: 8 blocks
and up to 1,024 channels. This one starts at the LR's largest size, and factors that matrix: a shared offset from
the mean latent, a low-rank one a slot, and a linear guess from 16x16 pixels that is fitted in closed form.
"""

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bench import Bank
from bench.images.degradation import resize_tensor
from methods.idinvert.weightfile import SIDE, NetworkConfig
from methods.shared import linear_guess


class Down(nn.Module):
    """Half the resolution, then a residual pair."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.down = nn.Conv2d(inputs, outputs, 3, 2, 1)
        self.norm = nn.GroupNorm(8, outputs)
        self.pair = nn.Sequential(
            nn.Conv2d(outputs, outputs, 3, padding=1),
            nn.GroupNorm(8, outputs),
            nn.LeakyReLU(0.2),
            nn.Conv2d(outputs, outputs, 3, padding=1),
        )

    def forward(self, x: Tensor) -> Tensor:
        x = F.leaky_relu(self.norm(self.down(x)), 0.2)
        return F.leaky_relu(x + self.pair(x), 0.2)


class Encoder(nn.Module):
    """The encoder of a bank.

    Args:
        bank: whose latents it makes.
        shape: its sizes.
    """

    mean: Tensor

    def __init__(self, bank: Bank, shape: NetworkConfig | None = None) -> None:
        super().__init__()
        self.shape = shape or NetworkConfig()
        slots, width = bank.latents
        widths = self.shape.widths
        self.register_buffer("mean", bank.mean_latent.detach().clone(), persistent=False)
        self.first = nn.Conv2d(3, widths[0], 3, padding=1)
        self.downs = nn.Sequential(*(Down(a, b) for a, b in pairwise(widths)))
        self.body = nn.Linear(widths[-1] * (SIDE >> len(self.downs)) ** 2, self.shape.hidden)
        self.guess = nn.Linear(linear_guess.INPUTS, width)
        self.shared = nn.Linear(self.shape.hidden, width)
        self.slots = nn.Linear(self.shape.hidden, slots * self.shape.rank)
        self.basis = nn.Parameter(torch.randn(slots, self.shape.rank, width) * 0.02)
        for layer in (self.guess, self.shared, self.slots):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)

    def forward(self, lr: Tensor) -> Tensor:
        """Return latents (N, slots, width) of LR images (N, 3, h, h) in [-1, 1], h at most SIDE."""
        enlarged = lr if lr.shape[-1] == SIDE else resize_tensor(lr, SIDE, SIDE)
        x = F.leaky_relu(self.first(enlarged), 0.2)
        h = F.leaky_relu(self.body(self.downs(x).flatten(1)), 0.2)
        own = torch.einsum("nsk,skd->nsd", self.slots(h).view(len(h), *self.basis.shape[:2]), self.basis)
        common = self.mean + self.guess(linear_guess.average_pixels(lr)) + self.shared(h)
        return common[:, None] + own
