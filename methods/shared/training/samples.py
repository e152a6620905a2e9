"""Training pairs drawn from a bank, up to 16,384: sample `i` depends on `i` alone and is kept on disk once made.

Making a 1024-pixel sample costs a full pass of the bank and a shrinking by the protocol, so a training draws from
a pool that grows as it goes: at step t from the first `first + growth * t` samples, up to `capacity`. What a step
draws depends on the step alone; the cache changes the speed and nothing else, and another process may fill it.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional as F

from bench import Bank, Pixels, UsageError
from bench.base import seeds
from bench.base.files import write_atomically
from bench.images.degradation import make_lr
from bench.images.png import to_pixels, to_tensor

TRUNCATION = (0.5, 1.0)
VALIDATION_TRUNCATION = 0.7


class Item(NamedTuple):
    """One image in the forms that a training uses."""

    hr: Pixels
    """Averaged down to the pool's size."""
    lr: dict[int, Pixels]
    """By side, made of the full image by the protocol."""
    latent: npt.NDArray[np.float32] | None
    """The w that it was made of, (width,) or (slots, width) as the bank draws it; None for a photograph."""


@dataclass(frozen=True)
class Samples:
    """Samples of a bank, by index.

    Args:
        bank: where they come from.
        size: the side that their HR is averaged down to.
        sides: the LR sides that are kept.
        folder: of the cache, which has a folder for each bank and size; None to make each sample anew.
        domain: `TRAINING` or `VALIDATION`: no held-out sample can be drawn.
    """

    bank: Bank
    size: int
    sides: tuple[int, ...]
    folder: Path | None
    domain: Literal[seeds.Domain.TRAINING, seeds.Domain.VALIDATION] = seeds.Domain.TRAINING

    def __post_init__(self) -> None:
        if self.domain not in (seeds.Domain.TRAINING, seeds.Domain.VALIDATION):
            raise UsageError("a training cannot draw these samples", got=self.domain.name, expected="TRAINING")

    def __getitem__(self, index: int) -> Item:
        if self.folder is None:
            return self._make(index)
        path = self.folder / f"{self.bank.digest:.8}-{self.size}" / f"{index:07d}.npz"
        return self._read(path) or self._fill(index, path)

    def latent(self, index: int) -> Tensor:
        """Return the w of a sample (1, width) or (1, slots, width) without making its image."""
        training = self.domain is seeds.Domain.TRAINING
        spread = seeds.uniform(self.domain, index, *TRUNCATION) if training else VALIDATION_TRUNCATION
        return self.bank.sample([index], self.domain, spread)

    @torch.no_grad()
    def _make(self, index: int) -> Item:
        # In full precision whatever the training's own: a sample is kept, and used by trainings to come.
        with torch.autocast(self.bank.mean_latent.device.type, enabled=False):
            latent = self.latent(index)
            image = self.bank.synthesise(latent).image
        if image is None:
            raise RuntimeError("a whole pass of the bank made no image")
        full = to_pixels((image[0] + 1) / 2)
        return shrink(full, self.size, self.sides, latent[0].cpu().numpy())

    def _read(self, path: Path) -> Item | None:
        try:
            with path.open("rb") as file, np.load(file) as kept:
                lr = {side: kept[f"lr{side}"] for side in self.sides}
                return Item(kept["hr"], lr, kept["w"])
        except (FileNotFoundError, KeyError, ValueError, zipfile.BadZipFile):
            return None  # not made yet, made for other sides, or cut short by a full disk: made again

    def _fill(self, index: int, path: Path) -> Item:
        item, buffer = self._make(index), io.BytesIO()
        arrays: dict[str, Any] = {f"lr{side}": pixels for side, pixels in item.lr.items()}
        arrays |= {"w": item.latent, "hr": item.hr}
        np.savez(buffer, **arrays)
        write_atomically(path, buffer.getvalue())
        return item


def shrink(
    full: Pixels,
    size: int,
    sides: Sequence[int],
    latent: npt.NDArray[np.float32] | None = None,
) -> Item:
    """Make an item of a full image: HR by area averaging, LR by the protocol."""
    block = full.shape[0] // size
    mean = full.reshape(size, block, size, block, 3).mean((1, 3))
    lr = {side: make_lr(full, full.shape[0] // side) for side in sides}
    return Item(np.rint(mean).astype(np.uint8), lr, latent)


@dataclass(frozen=True)
class Variation:
    """A mirroring and recolouring, linear, so that it commutes with the protocol's shrinking but for clipping.

    A bent image is another face than any that the bank makes; its LR is made anew, of the bent HR.
    """

    saturation: float
    contrast: float
    light: float
    gains: tuple[float, float, float]
    mirrored: bool
    sharpness: float
    """How much of what lies above the pool's size the truth has: photographs differ in it, and no LR tells."""
    bend: int | None = None
    """The seed of a smooth bending. What lies above the pool's size is lost by it, so sharpness is 0."""

    def __call__(self, image: Tensor) -> Tensor:
        """Change an image (3, h, w) in [-1, 1], and round it to 8 bits as every image is."""
        grey = image.mean(0, keepdim=True)
        gains = image.new_tensor(self.gains)[:, None, None]
        image = torch.lerp(grey, image, self.saturation) * self.contrast * gains + self.light
        image = ((image.clamp(-1, 1) + 1) * 127.5).round() / 127.5 - 1
        return image.flip(-1) if self.mirrored else image


class Draw(NamedTuple):
    """One batch."""

    hr: Tensor
    """[-1, 1], (N, 3, size, size)."""
    lr: Tensor
    """[-1, 1] in 8-bit steps, (N, 3, side, side)."""
    latents: Tensor
    """(N, width) or (N, slots, width) as the bank draws them; zeros for a photograph."""
    sampled: Tensor
    """bool (N,): whether the bank made the image of the latent, before it was varied."""
    known: Tensor
    """bool (N,): whether the image is exactly what the bank makes of the latent."""
    variations: tuple[Variation | None, ...]
    """What was done to each image."""


@dataclass(frozen=True)
class Pool:
    """What a step draws: a growing range of samples, and photographs when there are any."""

    samples: Samples
    photographs: Sequence[Item] = ()
    first: int = 1024
    growth: float = 1.0
    capacity: int = 1 << 14
    varied: float = 0.6
    """The share of images that are mirrored, recoloured or bent: photographs are less strange to a network then.

    The bank's noise stays in its place, so a mirrored sample is no image of the bank, as a photograph is none."""
    past: int = 0
    """Steps of the trainings that this one goes on from: it draws what would have followed, not the same again."""

    def draw(self, step: int, batch: int, side: int, size: int, shard: tuple[int, int] = (0, 1)) -> Draw:
        """Return the batch of a step for one LR side, the HR averaged down to `size`."""
        step += self.past
        rng = np.random.default_rng([step, *shard])
        reach = min(self.capacity, int(self.first + self.growth * step))
        items = [self._pick(rng, reach) for _ in range(batch)]
        variations = tuple(_variation(rng) if rng.random() < self.varied else None for _ in items)
        pairs = [_pair(item, side, change) for item, change in zip(items, variations, strict=True)]
        hr, lr = (torch.stack(images) for images in zip(*pairs, strict=True))
        given = [item.latent for item in items]
        drawn = next((one for one in given if one is not None), None)
        unknown = np.zeros(self.samples.bank.latents.width if drawn is None else drawn.shape, np.float32)
        latents = np.stack([unknown if one is None else one for one in given])
        sampled = torch.tensor([item.latent is not None for item in items])
        known = sampled & torch.tensor([change is None for change in variations])
        device = self.samples.bank.mean_latent.device
        hr, lr, sampled, known = (x.to(device) for x in (F.adaptive_avg_pool2d(hr, size), lr, sampled, known))
        return Draw(hr, lr, torch.from_numpy(latents).to(device), sampled, known, variations)

    def _pick(self, rng: np.random.Generator, reach: int) -> Item:
        if self.photographs and rng.random() < 0.5:
            return self.photographs[int(rng.integers(len(self.photographs)))]
        return self.samples[int(rng.integers(reach))]


def _variation(rng: np.random.Generator) -> Variation:
    low, middle, high = rng.uniform(0.9, 1.1, 3).tolist()
    change = Variation(
        rng.uniform(0.5, 1.3),
        rng.uniform(0.7, 1.2),
        rng.uniform(-0.2, 0.15),
        (low, middle, high),
        rng.random() < 0.7,
        rng.random(),
    )
    return change if rng.random() < 0.4 else replace(change, sharpness=0.0, bend=int(rng.integers(1 << 31)))


def _pair(item: Item, side: int, change: Variation | None) -> tuple[Tensor, Tensor]:
    """Return HR and LR in [-1, 1], both varied in the same way."""
    hr, lr = item.hr, item.lr[side]
    if change is not None and change.bend is not None:
        hr = bent(hr, change.bend)
        lr = make_lr(hr, hr.shape[0] // side)
    tensors = [to_tensor(image)[0] * 2 - 1 for image in (hr, lr)]
    return (tensors[0], tensors[1]) if change is None else (change(tensors[0]), change(tensors[1]))


def bent(image: Pixels, seed: int) -> Pixels:
    """Stretch, turn and bend an image smoothly: other proportions of the face, with its skin, hair and eyes.

    Up to 8 % of stretching a side and 4 degrees, and a displacement of 1 % of the side (standard deviation) at the
    nodes of a 6 by 6 grid, cubic between them.
    """
    rng = np.random.default_rng(seed)
    across, down = 0.97 * np.exp(rng.uniform(-0.08, 0.08, 2))
    turn = np.deg2rad(rng.uniform(-4, 4))
    nodes = torch.from_numpy(rng.normal(0, 0.02, (1, 2, 6, 6)).astype(np.float32))
    affine = torch.tensor([[across * np.cos(turn), -np.sin(turn), 0], [np.sin(turn), down * np.cos(turn), 0]])
    plane = to_tensor(image)
    grid = F.affine_grid(affine[None].float(), list(plane.shape), align_corners=False)
    grid = grid + F.interpolate(nodes, plane.shape[-2:], mode="bicubic", align_corners=True).permute(0, 2, 3, 1)
    return to_pixels(F.grid_sample(plane, grid, mode="bicubic", padding_mode="reflection", align_corners=False)[0])
