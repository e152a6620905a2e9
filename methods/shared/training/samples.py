"""Training pairs: drawn from a bank, where sample `i` depends on `i` alone, or made of a user's photographs."""

import hashlib
import io
import logging
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional as F

from bench import Bank, ImageError, Pixels, UsageError
from bench.base import seeds
from bench.base.files import file_digest, write_atomically
from bench.images.decode import read_image
from bench.images.degradation import make_lr, resize_tensor
from bench.images.listing import Listing, list_folder
from bench.images.prepare import parse_preparation
from methods.shared.banks import bank_noise, full_image
from methods.shared.training.augmentation import warp

log = logging.getLogger(__name__)
VALIDATION_TRUNCATION = 0.7
CAPACITY, TOGETHER = 4096, 16
"""How many samples a training draws from, which an accelerator keeps in its memory (14 GB at 1024 pixels), and how
many it makes at once."""

Image = Pixels | Tensor
"""8-bit RGB, (H, W, 3): an array, or a tensor where the bank lies on an accelerator."""


class Item(NamedTuple):
    """One image in the forms that a training uses."""

    hr: Image
    """Averaged down to the pool's size."""
    lr: Mapping[int, Image]
    """By side, made of the full image by the protocol."""
    latent: npt.NDArray[np.float32] | None = None
    """The w that it was made of, (width,) or (slots, width) as the bank draws it; None for a photograph."""
    warped: bool = False
    """Whether it was warped, and so is no image of its w any more."""
    full: Image | None = None
    """At the bank's own size; None where a training does not look at it."""


def to_signed(image: Image) -> Tensor:
    """Return an image as float32 in [-1, 1], (3, H, W), on the device where it lies."""
    return torch.as_tensor(image).permute(2, 0, 1).float() / 127.5 - 1


@dataclass(frozen=True)
class Samples:
    """Samples of a bank, by index.

    Those to train on have noise of their own above half of `size`, because the bank's is the same in every image
    that it makes, and no other image has it: a network that learnt to count on it would paint it on photographs.
    Some of them are warped, which makes other people than the bank does.

    A processor makes them one by one and keeps them in files. An accelerator makes several at once, faster than
    files are read, and keeps those of the highest index in its memory.

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
    TRUNCATION: ClassVar = (0.5, 1.0)
    """From where to where, of the samples to train on."""
    WARP_PROB: ClassVar = 0.36
    """The share of the samples to train on that are warped."""
    _resident: dict[int, list[Item]] = field(default_factory=dict, init=False, repr=False, compare=False)
    """On an accelerator: by the index of the first that was made with them."""

    def __post_init__(self) -> None:
        if self.domain not in (seeds.Domain.TRAINING, seeds.Domain.VALIDATION):
            raise UsageError("a training cannot draw these samples", got=self.domain.name, expected="TRAINING")

    def __getitem__(self, index: int) -> Item:
        if self.bank.mean_latent.device.type != "cpu":
            return self._resident_item(index)
        if self.folder is None:
            return self._make([index])[0]
        path = self.folder / f"{self.bank.digest:.8}-{self.size}" / f"{index:07d}.npz"
        return self._read(path) or self._fill(index, path)

    def latent(self, index: int) -> Tensor:
        """Return the w of a sample (1, width) or (1, slots, width) without making its image."""
        spread = seeds.uniform(self.domain, index, *self.TRUNCATION) if self._trains else VALIDATION_TRUNCATION
        return self.bank.sample([index], self.domain, spread)

    @torch.no_grad()
    def _make(self, indices: Sequence[int]) -> list[Item]:
        # In full precision whatever the training's own: a sample is kept, and used by trainings to come.
        with torch.autocast(self.bank.mean_latent.device.type, enabled=False):
            latents = torch.cat([self.latent(index) for index in indices])
            images = full_image(self.bank.synthesise(latents, noise=self._noise(indices)))
            return [self._item(*parts) for parts in zip(indices, images, latents.cpu().numpy(), strict=True)]

    def _item(self, index: int, image: Tensor, latent: npt.NDArray[np.float32]) -> Item:
        rng = np.random.default_rng(index)
        warped = self._trains and rng.random() < self.WARP_PROB
        if warped:
            image = warp(image, int(rng.integers(1 << 31)))
        pixels = ((image.clamp(-1, 1) + 1) * 127.5).round().byte().permute(1, 2, 0)
        full: Image = pixels.numpy() if pixels.device.type == "cpu" else pixels
        item = shrink(full, self.size, self.sides)
        return item._replace(latent=latent, warped=warped, full=full if self.keep_full else None)

    def _resident_item(self, index: int) -> Item:
        start = index - index % TOGETHER
        if start not in self._resident:
            if len(self._resident) > CAPACITY // TOGETHER:  # one more: a range seldom begins where a block does
                self._resident.pop(min(self._resident))
            self._resident[start] = self._make(range(start, start + TOGETHER))
        return self._resident[start][index - start]

    @property
    def _trains(self) -> bool:
        return self.domain is seeds.Domain.TRAINING

    def _noise(self, indices: Iterable[int]) -> list[Tensor] | None:
        """Return the noise maps of samples: the bank's own up to half of `size`, above it their own."""
        maps = bank_noise(self.bank)
        if not self._trains or not maps:
            return None
        own = [self._own_noise(index, maps) for index in indices]
        return [
            torch.cat(drawn) if one.shape[-1] > self.size // 2 else one
            for one, drawn in zip(maps, zip(*own, strict=True), strict=True)
        ]

    @staticmethod
    def _own_noise(index: int, maps: Sequence[Tensor]) -> list[Tensor]:
        generator = torch.Generator(maps[0].device).manual_seed(index)
        return [torch.randn(one.shape, generator=generator, device=one.device) for one in maps]

    def _read(self, path: Path) -> Item | None:
        try:
            with path.open("rb") as file, np.load(file) as kept:
                lr = {side: kept[f"lr{side}"] for side in self.sides}
                full = kept["full"] if self.keep_full else None
                return Item(kept["hr"], lr, kept["w"], bool(kept["warped"]), full)
        except (FileNotFoundError, KeyError, ValueError, zipfile.BadZipFile):
            return None  # not made yet, made without what is asked for, or cut short by a full disk: made again

    def _fill(self, index: int, path: Path) -> Item:
        (item,), buffer = self._make([index]), io.BytesIO()
        arrays: dict[str, Any] = {f"lr{side}": pixels for side, pixels in item.lr.items()}
        arrays |= {"w": item.latent, "hr": item.hr, "warped": item.warped}
        if item.full is not None:
            arrays["full"] = item.full
        np.savez(buffer, **arrays)
        write_atomically(path, buffer.getvalue())
        return item


def shrink(full: Image, size: int, sides: Sequence[int]) -> Item:
    """Make an item of a full image: HR by area averaging, LR by the protocol, in float32 for a tensor."""
    if isinstance(full, Tensor):
        image = full.permute(2, 0, 1)[None].float()
        lr = {side: _rounded(resize_tensor(image, side, side)) for side in sides}
        return Item(_rounded(F.adaptive_avg_pool2d(image, size)), lr)
    block = full.shape[0] // size
    mean = full.reshape(size, block, size, block, 3).mean((1, 3))
    return Item(np.rint(mean).astype(np.uint8), {side: make_lr(full, full.shape[0] // side) for side in sides})


def _rounded(image: Tensor) -> Tensor:
    return image[0].clamp(0, 255).round().byte().permute(1, 2, 0)


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
