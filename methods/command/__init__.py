"""An external program as a method, in whatever environment its own repository needs.

A card says how to start it:

    command = ["python", "my.py", "{input}", "{output}", "{factor}"]
    name = "My method"      # optional: how tables call it
    factors = [16, 32]      # optional: what it can do
    depends = ["model.pth"] # optional: files and folders that change its result, besides the code named below

It runs in the card's folder, without a shell, once an image: it reads the LR PNG at {input} and writes the SR PNG
to {output}, or one image into a folder of that name. `~` and variables such as $CONDA_PREFIX are replaced. A file
that the command names, and what a Python file among them imports from its folder, belong to the method: when one
changes, it is another.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from bench import Asset, Batch, Category, Method, MethodError, Restored, Size, UsageError
from bench.base import toml
from bench.base.code import reachable
from bench.images.listing import list_folder
from bench.images.png import save_png, to_pixels
from methods.shared.sr_files import read_sr

if TYPE_CHECKING:
    import torch
    from torch import Tensor


_REQUIRED = ("{input}", "{output}")


@dataclass(frozen=True)
class Card:
    """How to start the program, and what it can do."""

    command: tuple[str, ...]
    name: str | None = None
    factors: tuple[int, ...] | None = None
    depends: tuple[str, ...] = ()


class Command(Method):
    """Run an external program: command:CARD.toml."""

    name = "command"
    group = "made elsewhere"

    @dataclass(frozen=True)
    class Options:
        """The card."""

        card: Path | None = None

    options: Options

    @property
    def title(self) -> str:
        """The card's `name`, or its file's."""
        return self._card.name or self._path.stem

    @property
    def notes(self) -> str:
        """What is run."""
        return f"An external program: {' '.join(self._card.command)}"

    def assets(self) -> Sequence[Asset | Path]:
        """Return the card and the files that its program can run or depends on: an edited one is another method.

        Raises:
            UsageError: when the card cannot be used.
        """
        named = [file for part in self._card.command for file in self._named(part) if _is_file(file)]
        files = [file for path in named for file in (reachable(path) if path.suffix == ".py" else [path])]
        return list(dict.fromkeys([self._path, *files, *self._depends()]))

    def _named(self, part: str) -> Sequence[Path]:
        """Return the files that a part of the command may mean: itself, or a module after `-m`."""
        module = self._folder.joinpath(*part.split("."))
        is_module = ["-m", part] in map(list, pairwise(self._card.command))
        return (module.with_suffix(".py"), module / "__main__.py") if is_module else (self._folder / part,)

    def _depends(self) -> Iterator[Path]:
        for text in self._card.depends:
            path = self._folder / text
            if not path.exists():
                raise UsageError(
                    f"depends of card {self._path}", got=text, expected="files and folders that are there"
                )
            yield from [path] if path.is_file() else sorted(file for file in path.rglob("*") if file.is_file())

    def supports(self, lr_size: Size, hr_size: Size, factor: int, category: Category) -> str | None:
        """Refuse the factors that the card does not list."""
        factors = self._card.factors
        return None if factors is None or factor in factors else f"its card lists the factors {list(factors)}"

    def load(self, device: torch.device) -> None:
        """Find the program.

        Raises:
            MethodError: when it is not there.
        """
        program = self._card.command[0]
        if not shutil.which(program) and not shutil.which(self._folder / program):
            raise MethodError(f"there is no program '{program}', which card {self._path} names")

    def restore(self, batch: Batch) -> Restored:
        """Run the program on each image.

        Raises:
            MethodError: when it fails, or writes no image of the right size.
        """
        import torch

        restored = [
            self._restore_one(lr, batch.factor, image) for lr, image in zip(batch.lr, batch.images, strict=True)
        ]
        return Restored(torch.cat(restored).to(batch.lr.device))

    def _restore_one(self, lr: Tensor, factor: int, image: str) -> Tensor:
        with tempfile.TemporaryDirectory(prefix="bench-command-") as folder:
            source, target = Path(folder, "input.png"), Path(folder, "output.png")
            save_png(to_pixels(lr), source)
            self._run({"{input}": str(source), "{output}": str(target), "{factor}": str(factor)}, image)
            written = _written(target)
            if written is None:
                what = f"command of {self._path} wrote no image for {image}"
                raise MethodError(what, expected="a PNG at {output}, or one in a folder of that name")
            what = f"output of {self._path} for {image}"
            return read_sr(written, (lr.shape[1] * factor, lr.shape[2] * factor), what)

    def _run(self, values: Mapping[str, str], image: str) -> None:
        command = [_filled(part, values) for part in self._card.command]
        try:
            process = subprocess.run(
                command,
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                errors="replace",
                check=False,
            )
        except OSError as error:
            raise MethodError(f"command of {self._path} cannot be started: {error}") from error
        if process.returncode:
            got = f"exit code {process.returncode}: {_last_line(process.stderr or process.stdout)}"
            raise MethodError(f"command of {self._path} failed on {image}", got=got)

    @cached_property
    def _card(self) -> Card:
        return _read_card(self._path)

    @property
    def _path(self) -> Path:
        if self.options.card is None:
            raise UsageError("command needs a card", expected="command:CARD.toml")
        return self.options.card

    @property
    def _folder(self) -> Path:
        return self._path.resolve().parent


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # an argument that is too long for a file's name
        return False


def _written(target: Path) -> Path | None:
    """Return the image that a program wrote to a path, or into a folder that it made there."""
    files = list_folder(target).files if target.is_dir() else []
    inside = target / files[0] if len(files) == 1 else None
    return target if target.is_file() else inside


def _last_line(text: str) -> str:
    return next((line.strip() for line in reversed(text.splitlines()) if line.strip()), "no message")


def _filled(part: str, values: Mapping[str, str]) -> str:
    for placeholder, value in values.items():
        part = part.replace(placeholder, value)
    return part


def _read_card(path: Path) -> Card:
    """Read a card; one that is not there, is not TOML or has a field that a card cannot have is refused."""
    card = toml.build(Card, toml.read(path), f"card {path}")
    if any("\0" in part for part in (*card.command, *card.depends)):
        raise UsageError(f"command of card {path} holds a null character", got=[*card.command])
    for placeholder in _REQUIRED:
        if not any(placeholder in part for part in card.command):
            raise UsageError(f"command of card {path} does not say where {placeholder} goes", got=[*card.command])
    if any(factor < 1 for factor in card.factors or ()):
        raise UsageError(
            f"factors of card {path}", got=", ".join(map(str, card.factors or ())), expected="positive numbers"
        )
    command = (Path(part).expanduser() if part.startswith("~") else part for part in card.command)
    return replace(card, command=tuple(map(os.path.expandvars, map(str, command))))
