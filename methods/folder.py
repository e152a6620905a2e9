"""Images that were made elsewhere, taken from a folder and paired by file name.

The folder has one of two layouts:

    PATH/x16/<category>/<image>.png     for any number of factors and categories
    PATH/<image>.png                    for one factor of one category
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from bench import Asset, Batch, Category, Cell, Method, MethodError, Restored, Size, UsageError
from bench.images.listing import image_files
from methods.shared.sr_files import read_sr

if TYPE_CHECKING:
    from torch import Tensor


class Folder(Method):
    """Take images that were made elsewhere: folder:PATH."""

    name = "folder"
    group = "made elsewhere"

    @dataclass(frozen=True)
    class Options:
        """The folder."""

        path: Path | None = None

    options: Options

    @property
    def title(self) -> str:
        """The folder's name."""
        return self.options.path.name if self.options.path else self.name

    @property
    def notes(self) -> str:
        """Where the images come from."""
        return f"Images made elsewhere, from {self.options.path}."

    def assets(self) -> Sequence[Asset | Path]:
        """Return every image, so that a changed one is another method.

        Raises:
            UsageError: when there is no such folder, or no image in it.
        """
        return self._files

    def supports(self, lr_size: Size, hr_size: Size, factor: int, category: Category) -> str | None:
        """Refuse the factors and categories that the folder has no images for."""
        place = self._place(factor, category.name)
        return None if any(parent == place for parent, _ in self._index) else f"there is no image in {place}"

    def unmatched_warnings(self, cells: Sequence[Cell]) -> list[str]:
        """Return one sentence for each image that is missing, extra, or would stand for several cells.

        Args:
            cells: all that a run asks of this method.
        """
        users: dict[Path, list[Cell]] = {file: [] for file in self._files}
        problems = []
        for cell in cells:
            files = self._files_of(cell)
            if len(files) != 1:
                problems.append(str(self._unusable(cell, files)))
            for file in files:
                users[file].append(cell)
        problems += [f"{file} pairs with no image of this run" for file, used in users.items() if not used]
        return problems + [_shared(file, used) for file, used in users.items() if len(used) > 1]

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
        return self._index.get((self._place(cell.factor, cell.category), cell.image), [])

    def _unusable(self, cell: Cell, files: Sequence[Path]) -> MethodError:
        if files:
            names = " and ".join(file.name for file in files)
            what = f"several images in {files[0].parent} are called {cell.image}"
            return MethodError(what, got=names, expected="one")
        expected = self._place(cell.factor, cell.category) / f"{cell.image}.png"
        return MethodError(f"there is no image for {cell.category}/{cell.image} x{cell.factor}", expected=expected)

    def _place(self, factor: int, category: str) -> Path:
        return self._root / f"x{factor}" / category if self._is_tree else self._root

    @cached_property
    def _is_tree(self) -> bool:
        return any(re.fullmatch(r"x\d+", entry.name) and entry.is_dir() for entry in self._root.iterdir())

    @cached_property
    def _files(self) -> tuple[Path, ...]:
        images = tuple(image_files(self._root, recursive=self._is_tree))
        if not images:
            expected = "x16/<category>/<image>.png, or <image>.png"
            raise UsageError(f"there is no image in {self._root}", expected=expected)
        return images

    @cached_property
    def _index(self) -> dict[tuple[Path, str], list[Path]]:
        index: dict[tuple[Path, str], list[Path]] = {}
        for file in self._files:
            index.setdefault((file.parent, file.stem), []).append(file)
        return index

    @property
    def _root(self) -> Path:
        path = self.options.path
        if path is None or not path.is_dir():
            what = "folder needs a folder of images" if path is None else f"there is no folder {path}"
            raise UsageError(what, expected="folder:PATH")
        return path


def _shared(file: Path, cells: Sequence[Cell]) -> str:
    uses = ", ".join(f"{cell.category} x{cell.factor}" for cell in cells)
    return f"{file} stands for several results ({uses}); sort the images into x<factor>/<category> folders"
