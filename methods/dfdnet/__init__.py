"""DFDNet: parts of a face mixed with those of a dictionary of faces (Li et al., ECCV 2020, arXiv:2008.00418)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

from bench import Asset, Batch, ByHand, Category, ImageError, MethodError, Needs, Restored, Size, fetch
from bench.images.png import to_pixels
from bench.networks.dlib import LANDMARKS_68
from methods.dfdnet import parts
from methods.shared.face_restorer import FaceRestorer
from methods.shared.networks import cascade, checkpoint, restorer

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from bench.networks.dlib import DlibLandmarks

_LICENCE = "CC BY-NC-SA 4.0: no commercial use"
LEAST_LR = 32
"""The smallest side of an LR in whose enlargement landmarks are sought, unless an option says otherwise."""


def _released(name: str, drive: str) -> Mapping[str, Asset]:
    where = ByHand(f"get it from https://drive.google.com/file/d/{drive} (linked in XPixelGroup/BasicSR)")
    return {name: Asset(f"dfdnet/{name}.pth", _LICENCE, None, None, (where,))}


DICTIONARIES = _released("DFDNet_dict_512-f79685f0", "1iH00oMsoN_1OJaEQw3zP7_wqiAYMnY79")


class DfdNet(FaceRestorer):
    """Restore aligned faces with DFDNet; its files can only be got by hand."""

    name = "dfdnet"
    trained_for = "blind restoration, shown at 4x and 8x"
    released: ClassVar = _released("DFDNet_official-d1fa5650", "1u6Sgcp8gVoy4uVTrOJKD3y9RuqH2JBAe")
    options: Options

    @dataclass(frozen=True)
    class Options:
        """The network, the dictionary (released names, or the files of either layout), and whose landmarks."""

        weights: str = "DFDNet_official-d1fa5650"
        dictionary: str = "DFDNet_dict_512-f79685f0"
        """A file, or the authors' folder of 16 arrays."""
        landmarks: Literal["auto", "bicubic", "mean", "hr"] = "auto"
        """Of the enlarged LR, of a mean face, of HR (an upper bound); auto: mean below an LR of 32 pixels."""

    @property
    def title(self) -> str:
        """Whose weights and landmarks these are."""
        return f"DFDNet, {self.options.landmarks} landmarks, trained for {self.trained_for}"

    @property
    def sees_hr(self) -> bool:
        """Whether the landmarks are HR's."""
        return self.options.landmarks == "hr"

    @property
    def notes(self) -> str:
        """How the network is fed, and where the parts of a face are."""
        return (
            f"Trained for {self.trained_for}. The LR is enlarged to {self.side} pixels with the protocol's "
            "bicubic kernel (theirs: Pillow's), the result resized to HR's size with the same. Eyes, nose and "
            "mouth are cut around 68 landmarks: with landmarks=bicubic dlib's of the enlarged LR (the authors: "
            "face-alignment's of their crop), with mean those of the mean aligned face, with hr those of HR, an "
            f"upper bound; with auto the mean's where the LR is below {LEAST_LR} pixels, bicubic's otherwise. "
            f"Licence: {_LICENCE}."
        )

    @property
    def needs(self) -> Needs:
        """What the network takes, and the dictionary's size."""
        paths = [file.path if isinstance(file, Asset) else file for file in self._dictionary()]
        return Needs(memory_mb=2500 + sum(path.stat().st_size for path in paths if path.is_file()) / 1e6)

    def assets(self) -> Sequence[Asset | Path]:
        """Return the network, the dictionary, and whatever landmarks may be of.

        Raises:
            UsageError: when one is neither a released name nor there.
        """
        finder = () if self.options.landmarks == "mean" else (LANDMARKS_68,)
        mean = (parts.MEAN_FACE,) if self.options.landmarks in ("auto", "mean") else ()
        return (*super().assets(), *self._dictionary(), *finder, *mean)

    def _dictionary(self) -> Sequence[Asset | Path]:
        folder = Path(self.options.dictionary).expanduser()
        if folder.is_dir():
            return [folder / name for name in parts.ARRAYS.values()]
        return [checkpoint.named_file("the dictionary of dfdnet", self.options.dictionary, DICTIONARIES)]

    def supports(self, lr_size: Size, hr_size: Size, factor: int, category: Category) -> str | None:
        """Refuse whatever is no aligned face, and landmarks that are to be finder without dlib."""
        reason = super().supports(lr_size, hr_size, factor, category)
        if reason or self._landmarks(lr_size) == "mean" or find_spec("dlib"):
            return reason
        remedy = "pip install 'glean-bench[identity]', or give landmarks=mean"
        return f"dfdnet finds landmarks with the package dlib; {remedy}"

    def _landmarks(self, lr_size: Sequence[int]) -> str:
        """Return whose landmarks an LR gets."""
        auto = "mean" if min(lr_size) < LEAST_LR else "bicubic"
        return auto if self.options.landmarks == "auto" else self.options.landmarks

    def load(self, device: torch.device) -> None:
        """Read the network and the dictionary.

        Raises:
            AssetError: when a file cannot be had, or is not DFDNet's.
        """
        from methods.dfdnet import dictionary, weightfile

        self.device = device
        network, *atoms = (
            fetch(file) if isinstance(file, Asset) else file for file in (*super().assets(), *self._dictionary())
        )
        self.network = weightfile.load_network(network).to(device)
        self._atoms = {name: tensor.to(device) for name, tensor in dictionary.load(atoms).items()}

    @cached_property
    def _finder(self) -> DlibLandmarks:
        from bench.networks.dlib import DlibLandmarks

        return DlibLandmarks()

    def restore(self, batch: Batch) -> Restored:
        """Enlarge each face to 512 pixels, find its parts, run the network, resize to HR's size.

        Raises:
            MethodError: when no landmarks are finder, or a part leaves the image.
        """
        seen = batch.extras["hr"] if self.sees_hr else batch.lr
        guides = iter(cascade.enlarge(seen, self.side, self.side))

        def forward(image: Tensor) -> Tensor:
            boxes = self._boxes(next(guides), self._landmarks(batch.lr.shape[-2:]))
            return (self.network(image * 2 - 1, boxes, self._atoms) + 1) / 2

        return Restored(restorer.restore(forward, batch, self.side))

    def _boxes(self, guide: Tensor, landmarks: str) -> Mapping[str, parts.Box]:
        """Return the boxes of the parts, by the landmarks of an image (3, 512, 512) or of the mean face."""
        if landmarks == "mean":
            return parts.boxes(parts.mean_face())
        pixels = to_pixels(guide)
        try:
            face = self._finder.largest_face(pixels)
        except ImageError as error:
            what = f"dlib finds no face in the {'HR' if landmarks == 'hr' else 'enlarged LR'} image"
            raise MethodError(what, remedy="give landmarks=mean") from error
        return parts.boxes(self._finder.points(pixels, face))
