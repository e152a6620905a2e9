"""Images that were made elsewhere, taken from a folder and paired by file name.

The folder has one of two layouts, the second for one factor of one category:

    PATH/x16/<category>/<image>.png
    PATH/<image>.png

An image is called as it was, or as this suite's files call it (`100%25`). The option `name={stem}_out.png` says
what another program made of that.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePath
from typing import TYPE_CHECKING
from urllib.parse import unquote

from bench import Asset, Batch, Category, Cell, Method, MethodError, Restored, Size, UsageError
from bench.images.decode import SUFFIXES
from bench.images.listing import Listing, list_folder, name_of
from methods.shared.sr_files import read_sr

if TYPE_CHECKING:
    from torch import Tensor

_STEM = "{stem}"


class Folder(Method):
    """Take images that were made elsewhere: folder:PATH, or folder:PATH[name={stem}_out.png]."""

    name = "folder"
    group = "made elsewhere"
    has_costs = False

    @dataclass(frozen=True)
    class Options:
        """The folder, and how a file of it is called that belongs to the image `{stem}`."""

        path: Path | None = None
        name: str = _STEM

        def __post_init__(self) -> None:
            if self.name.count(_STEM) != 1 or "/" in self.name:
                raise ValueError(f"name is '{self.name}', expected a file's name such as {_STEM}_out.png")

    options: Options

    @property
    def title(self) -> str:
        """The folder's name."""
        return self.options.path.name if self.options.path else self.name

    @property
    def notes(self) -> str:
        """Where the images come from."""
        return f"Images made elsewhere, from {self.options.path}."

    @property
    def is_of_one_factor(self) -> bool:
        """Whether the folder says nothing of factors; see `Method.is_of_one_factor`."""
        return not self._is_tree

    def assets(self) -> Sequence[Asset | Path]:
        """Return every image, so that a changed one is another method.

        Raises:
            UsageError: when there is no such folder, or no image in it.
        """
        return self._files

    def supports(self, lr_size: Size, hr_size: Size, factor: int, category: Category) -> str | None:
        """Refuse the factors and categories that the folder has no images for."""
        place = self._place(factor, category.name)
        return None if any(file.is_relative_to(place) for file in self._files) else f"there is no image in {place}"

    def unmatched_warnings(self, cells: Sequence[Cell]) -> list[str]:
        """Return a sentence for each kind of mismatch: images that are missing, extra, or stand for several cells.

        Args:
            cells: all that a run asks of this method.
        """
        users: dict[Path, list[Cell]] = {file: [] for file in self._files}
        missing, ambiguous = [], []
        for cell in cells:
            files = self._files_of(cell)
            if len(files) > 1:
                ambiguous.append(str(self._unusable(cell, files)))
            elif not files:
                missing.append(cell)
            for file in files:
                users[file].append(cell)
        extra = [str(file.relative_to(self._root)) for file, used in users.items() if not used]
        shared = [_shared(file, used) for file, used in users.items() if len(used) > 1]
        sentences = [*self._listing.remarks]
        if missing:
            names = _some(f"{cell.category}/{cell.image} x{cell.factor}" for cell in missing)
            sentences.append(f"no file for {len(missing)} of {len(cells)} images: {names}{self._remedy(missing)}")
        if extra:
            sentences.append(f"{len(extra)} of {len(users)} files pair with no image of this run: {_some(extra)}")
        return sentences + ambiguous + shared[:1]

    def restore(self, batch: Batch) -> Restored:
        """Read the images of a batch.

        Raises:
            MethodError: when one is missing, there twice, unreadable, or of the wrong size.
        """
        import torch

        cells = [Cell(batch.category.name, batch.factor, image) for image in batch.images]
        height, width = (side * batch.factor for side in batch.lr.shape[-2:])
        return Restored(torch.cat([self._read(cell, (height, width)) for cell in cells]).to(batch.lr.device))

    def _read(self, cell: Cell, size: Size) -> Tensor:
        files = self._files_of(cell)
        if len(files) != 1:
            raise self._unusable(cell, files)
        return read_sr(files[0], size, str(files[0]))

    def _files_of(self, cell: Cell) -> list[Path]:
        """Return the files that bear a cell's name: as the image came with, or as a run's files call it."""
        place = self._place(cell.factor, cell.category)
        names = dict.fromkeys(self._called(image) for image in (unquote(cell.image), cell.image))
        return next((files for name in names if (files := self._index.get((place, name)))), [])

    def _called(self, image: str) -> str:
        folder, slash, stem = image.rpartition("/")
        return unicodedata.normalize("NFC", folder + slash + self.options.name.replace(_STEM, stem))

    def _unusable(self, cell: Cell, files: Sequence[Path]) -> MethodError:
        if files:
            names = " and ".join(file.name for file in files)
            what = f"several images in {files[0].parent} are called {cell.image}"
            return MethodError(what, got=names, expected="one")
        called = self._called(unquote(cell.image))
        expected = self._place(cell.factor, cell.category) / (called if self._is_exact else f"{called}.png")
        return MethodError(f"there is no image for {cell.category}/{cell.image} x{cell.factor}", expected=expected)

    def _remedy(self, missing: Sequence[Cell]) -> str:
        """Return what to type where files bear the names of images with something before or after them."""
        stems = [PurePath(unquote(cell.image)).name for cell in missing[:20]]
        forms = Counter(
            file.name.replace(stem, _STEM, 1) for file in self._files for stem in stems if stem in file.stem
        )
        form = next((form for form, _ in forms.most_common(1) if form != self.options.name), None)
        return f"; if theirs are called {form}, give folder:{self._root}[name={form}]" if form else ""

    def _place(self, factor: int, category: str) -> Path:
        return self._root / f"x{factor}" / category if self._is_tree else self._root

    @cached_property
    def _is_tree(self) -> bool:
        return any(re.fullmatch(r"x\d+", entry.name) and entry.is_dir() for entry in self._root.iterdir())

    @property
    def _is_exact(self) -> bool:
        """Whether the suffix of a file matters, because the option `name` has one."""
        return PurePath(self.options.name).suffix.lower() in SUFFIXES

    @cached_property
    def _listing(self) -> Listing:
        return list_folder(self._root)

    @cached_property
    def _files(self) -> tuple[Path, ...]:
        if not self._listing.files:
            expected = "x16/<category>/<image>.png, or <image>.png"
            raise UsageError(f"there is no image in {self._root}", expected=expected)
        return tuple(sorted(self._root / file for file in self._listing.files))

    @cached_property
    def _index(self) -> dict[tuple[Path, str], list[Path]]:
        index: dict[tuple[Path, str], list[Path]] = {}
        for file in self._files:
            depth = 2 if self._is_tree else 0
            relative = file.relative_to(self._root)
            place, inside = self._root.joinpath(*relative.parts[:depth]), PurePath(*relative.parts[depth:])
            name = name_of(inside)
            name = name + file.suffix if self._is_exact and file.suffix.lower() in SUFFIXES else name
            index.setdefault((place, name), []).append(file)
        return index

    @property
    def _root(self) -> Path:
        path = self.options.path
        if path is None or not path.is_dir():
            what = "folder needs a folder of images" if path is None else f"there is no folder {path}"
            raise UsageError(what, expected="folder:PATH")
        return path


def _some(names: Iterable[str]) -> str:
    shown = list(names)
    return ", ".join(shown[:3]) + (", ..." if len(shown) > 3 else "")


def _shared(file: Path, cells: Sequence[Cell]) -> str:
    uses = ", ".join(f"{cell.category} x{cell.factor}" for cell in cells)
    return f"{file} stands for several results ({uses}); sort the images into x<factor>/<category> folders"
