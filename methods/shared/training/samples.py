"""Training pairs: drawn from a bank, where sample `i` depends on `i` alone, or made of a user's photographs."""

import hashlib
import io
import logging
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from bench import Bank, ImageError, Pixels, UsageError
from bench.base import seeds
from bench.base.files import file_digest, write_atomically
from bench.images.decode import read_image
from bench.images.degradation import make_lr
from bench.images.listing import Listing, list_folder
from bench.images.png import to_pixels
from bench.images.prepare import parse_preparation
from methods.shared.banks import bank_noise, full_image
from methods.shared.training.augmentation import warp

log = logging.getLogger(__name__)
TRUNCATION = (0.5, 1.0)
VALIDATION_TRUNCATION = 0.7
WARP_PROB = 0.36
"""The share of the samples to train on that are warped."""


class Item(NamedTuple):
    """One image in the forms that a training uses."""

    hr: Pixels
    """Averaged down to the pool's size."""
    lr: dict[int, Pixels]
    """By side, made of the full image by the protocol."""
    latent: npt.NDArray[np.float32] | None = None
    """The w that it was made of, (width,) or (slots, width) as the bank draws it; None for a photograph."""
    warped: bool = False
    """Whether it was warped, and so is no image of its w any more."""
    full: Pixels | None = None
    """At the bank's own size; None where a training does not look at it."""


@dataclass(frozen=True)
class Samples:
    """Samples of a bank, by index.

    Those to train on have noise of their own above half of `size`, because the bank's is the same in every image
    that it makes, and no other image has it: a network that learnt to count on it would paint it on photographs.
    Some of them are warped, which makes other people than the bank does.

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
    keep_full: bool = False
    """Whether the image at the bank's own size is kept, too, in 3 MB at 1024 pixels."""

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
        spread = seeds.uniform(self.domain, index, *TRUNCATION) if self._trains else VALIDATION_TRUNCATION
        return self.bank.sample([index], self.domain, spread)

    @torch.no_grad()
    def _make(self, index: int) -> Item:
        # In full precision whatever the training's own: a sample is kept, and used by trainings to come.
        with torch.autocast(self.bank.mean_latent.device.type, enabled=False):
            latent = self.latent(index)
            image = full_image(self.bank.synthesise(latent, noise=self._noise(index)))
        full, latent_array = to_pixels((image[0] + 1) / 2), latent[0].cpu().numpy()
        rng = np.random.default_rng(index)
        warped = self._trains and rng.random() < WARP_PROB
        if warped:
            full = warp(full, int(rng.integers(1 << 31)))
        item = shrink(full, self.size, self.sides)
        return item._replace(latent=latent_array, warped=warped, full=full if self.keep_full else None)

    @property
    def _trains(self) -> bool:
        return self.domain is seeds.Domain.TRAINING

    def _noise(self, index: int) -> list[Tensor] | None:
        """Return the noise maps of a sample: the bank's own up to half of `size`, above it its own."""
        maps = bank_noise(self.bank)
        if not self._trains or not maps:
            return None
        generator = torch.Generator().manual_seed(index)
        own = (torch.randn(one.shape, generator=generator).to(one) for one in maps)
        return [new if one.shape[-1] > self.size // 2 else one for one, new in zip(maps, own, strict=True)]

    def _read(self, path: Path) -> Item | None:
        try:
            with path.open("rb") as file, np.load(file) as kept:
                lr = {side: kept[f"lr{side}"] for side in self.sides}
                full = kept["full"] if self.keep_full else None
                return Item(kept["hr"], lr, kept["w"], bool(kept["warped"]), full)
        except (FileNotFoundError, KeyError, ValueError, zipfile.BadZipFile):
            return None  # not made yet, made without what is asked for, or cut short by a full disk: made again

    def _fill(self, index: int, path: Path) -> Item:
        item, buffer = self._make(index), io.BytesIO()
        arrays: dict[str, Any] = {f"lr{side}": pixels for side, pixels in item.lr.items()}
        arrays |= {"w": item.latent, "hr": item.hr, "warped": item.warped}
        if item.full is not None:
            arrays["full"] = item.full
        np.savez(buffer, **arrays)
        write_atomically(path, buffer.getvalue())
        return item


def shrink(full: Pixels, size: int, sides: Sequence[int]) -> Item:
    """Make an item of a full image: HR by area averaging, LR by the protocol."""
    block = full.shape[0] // size
    mean = full.reshape(size, block, size, block, 3).mean((1, 3))
    lr = {side: make_lr(full, full.shape[0] // side) for side in sides}
    return Item(np.rint(mean).astype(np.uint8), lr)


def read_folder(folder: Path, resolution: int, size: int, sides: tuple[int, ...]) -> list[Item]:
    """Read every image of a folder: cropped to a square, shrunk by the protocol, kept in memory.

    Args:
        folder: searched with all its subfolders, but hidden ones, in the order of the names.
        resolution: the side of the centre crop.
        size: the side that HR is averaged down to.
        sides: the LR sides.

    Raises:
        UsageError: when there is no image.
        ImageError: when one cannot be read, or is smaller than the crop.
    """
    listing = _list_images(folder)
    for remark in listing.remarks:
        log.info(remark)
    return [shrink(_read_square(path, resolution), size, sides) for path in _sorted_paths(listing)]


def _read_square(path: Path, resolution: int) -> Pixels:
    image = read_image(path, path.name)
    height, width = image.shape[:2]
    if min(height, width) < resolution:
        got, expected = f"{width}x{height}", f"at least {resolution}x{resolution}, as the bank"
        remedy = "leave it out of the folder"
        raise ImageError(f"image {path} is too small to train on", got=got, expected=expected, remedy=remedy)
    return parse_preparation(f"centre-crop:{resolution}")(image, path.name)


def _list_images(folder: Path) -> Listing:
    if not folder.is_dir() or not (listing := list_folder(folder)).files:
        raise UsageError(f"no image to train on in {folder}", expected="a folder of pictures")
    return listing


def _sorted_paths(listing: Listing) -> list[Path]:
    return sorted(listing.where / file for file in listing.files)


def folder_digest(folder: Path) -> str:
    """Return the sha256 of the files that `read_folder` reads, in its order."""
    return hashlib.sha256("".join(map(file_digest, _sorted_paths(_list_images(folder)))).encode()).hexdigest()
