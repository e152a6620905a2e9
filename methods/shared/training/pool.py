"""What each step of a training draws: samples of a bank and photographs, some of them augmented.

Making a 1024-pixel sample costs a full pass of the bank and three shrinkings by the protocol, so each is made
once, and a training draws from a pool that moves on as it goes: `growth` new samples an image drawn, and of all
the last `capacity`. What a step draws depends on its `Step` alone; the cache changes nothing but the speed, and
another process may fill it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from methods.shared.training.augmentation import Augmentation, draw_augmentation
from methods.shared.training.samples import CAPACITY, Image, Item, Samples, to_signed
from methods.shared.training.step import Step


class Draw(NamedTuple):
    """One batch."""

    hr: Tensor
    """[-1, 1], (N, 3, size, size)."""
    lr: Tensor
    """[-1, 1] in 8-bit steps, (N, 3, side, side)."""
    latents: Tensor
    """(N, width) or (N, slots, width) as the bank draws them; zeros for a photograph."""
    sampled: Tensor
    """bool (N,): whether it is a sample of the bank, warped or augmented or not."""
    exact: Tensor
    """bool (N,): whether the image is exactly what the bank makes of the latent."""
    augmentations: tuple[Augmentation | None, ...]
    """What was done to each image."""
    full: tuple[Image | None, ...]
    """Each image at the bank's own size, not augmented, where it is kept."""


@dataclass(frozen=True)
class Pool:
    """What a step draws: a range of samples that moves on, and photographs when there are any."""

    samples: Samples
    photographs: Sequence[Item] = ()
    first: int = 1024
    growth: float = 0.125
    capacity: int = CAPACITY
    augment_prob: float = 0.6
    """The share of images that are mirrored or recoloured: photographs are less strange to a network then.

    The bank's noise stays in its place, so a mirrored sample is no image of the bank, as a photograph is none."""
    past: int = 0
    """The samples of the trainings that this one goes on from: it draws others, not the same again."""

    def end(self, images: int) -> int:
        """Return the index after the last sample that can be drawn when so many images have been."""
        return self.past + self.first + int(self.growth * images)

    def draw(self, step: Step, batch: int, side: int, size: int) -> Draw:
        """Return the batch of a step for one LR side, the HR averaged down to `size`."""
        rng = np.random.default_rng([self.past + step.number, step.process, step.processes])
        end = self.end(step.images)
        first = max(self.past, end - self.capacity)
        items = [self._pick(rng, first, end) for _ in range(batch)]
        changes = tuple(draw_augmentation(rng) if rng.random() < self.augment_prob else None for _ in items)
        device = self.samples.bank.mean_latent.device
        pairs = [_pair(item, side, change, device) for item, change in zip(items, changes, strict=True)]
        hr, lr = (torch.stack(images) for images in zip(*pairs, strict=True))
        sampled = torch.tensor([item.latent is not None for item in items])
        exact = torch.tensor(
            [
                item.latent is not None and not item.warped and change is None
                for item, change in zip(items, changes, strict=True)
            ]
        )
        full = tuple(item.full for item in items)
        latents = self._latents(items).to(device)
        hr = F.adaptive_avg_pool2d(hr, size)
        return Draw(hr, lr, latents, sampled.to(device), exact.to(device), changes, full)

    def _pick(self, rng: np.random.Generator, first: int, end: int) -> Item:
        if self.photographs and rng.random() < 0.5:
            return self.photographs[int(rng.integers(len(self.photographs)))]
        return self.samples[int(rng.integers(first, end))]

    def _latents(self, items: Sequence[Item]) -> Tensor:
        shape = next((item.latent.shape for item in items if item.latent is not None), None)
        nothing = np.zeros(shape or self.samples.bank.latents.width, np.float32)
        return torch.from_numpy(np.stack([nothing if item.latent is None else item.latent for item in items]))


def _pair(item: Item, side: int, change: Augmentation | None, device: torch.device) -> tuple[Tensor, Tensor]:
    """Return HR and LR in [-1, 1] on a device, both augmented in the same way."""
    hr, lr = (to_signed(image).to(device) for image in (item.hr, item.lr[side]))
    return (hr, lr) if change is None else (change(hr), change(lr))
