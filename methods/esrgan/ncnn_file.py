"""Read the convolutions of an ncnn network: a text of layers (.param) and their numbers (.bin).

Only what a network of plain convolutions needs. The files are untrusted: every count is checked against the file
before anything is taken from it. Format: https://github.com/Tencent/ncnn/wiki/param-and-model-file-structure
"""

from __future__ import annotations

from pathlib import Path
from typing import Never

import numpy as np
import numpy.typing as npt

from bench import AssetError

Array = npt.NDArray[np.float32]

MAGIC = "7767517"
STORED = {0: "<f4", 0x01306B47: "<f2"}
"""How a convolution's weights are stored, by the tag in front of them. Biases are always float32."""

_REMEDY = "remove both files and run `bench prepare` again"


def read_convolutions(param: Path, weights: Path) -> list[tuple[Array, Array]]:
    """Return the weight (out, in, k, k) and bias (out,) of each convolution, in the order of execution.

    Raises:
        AssetError: when either file is missing, damaged or holds something else.
    """
    shapes, reader = _read_param(param), _Bin(weights)
    convolutions = [
        (reader.take_tagged(count).reshape(outputs, -1, kernel, kernel), reader.take(outputs, "<f4"))
        for outputs, kernel, count in shapes
    ]
    if reader.left:
        _fail(weights, f"{reader.left} bytes after the last convolution", "none")
    return convolutions


def _read_param(path: Path) -> list[tuple[int, int, int]]:
    """Return outputs, kernel size and number of weights of each convolution."""
    lines = _read(path).decode("utf-8", errors="replace").split("\n")
    if lines[0].strip() != MAGIC:
        _fail(path, f"{lines[0].strip()[:20]!r} on its first line", MAGIC)
    rows = [line.split() for line in lines[2:] if line.strip()]
    declared = lines[1].split()[0] if len(lines) > 1 and lines[1].strip() else "no layer count"
    if declared != str(len(rows)):
        _fail(path, f"{len(rows)} layers", f"{declared}, as its second line says")
    return [_shape(path, row) for row in rows if row[0] == "Convolution"]


def _shape(path: Path, row: list[str]) -> tuple[int, int, int]:
    """Read `Convolution NAME INPUTS OUTPUTS BLOBS... 0=outputs 1=kernel 6=weights`."""
    values = dict(field.split("=", 1) for field in row if "=" in field)
    try:
        outputs, kernel, count = (int(values[key]) for key in ("0", "1", "6"))
    except (KeyError, ValueError):
        _fail(path, f"layer {' '.join(row)[:60]!r}", "its outputs (0=), kernel (1=) and number of weights (6=)")
    if min(outputs, kernel, count) < 1 or count % (outputs * kernel * kernel):
        _fail(path, f"{count} weights for {outputs} outputs of {kernel}x{kernel}", "a multiple of those")
    return outputs, kernel, count


class _Bin:
    """A position in the file of numbers."""

    def __init__(self, path: Path) -> None:
        self._path, self._bytes, self._at = path, _read(path), 0

    @property
    def left(self) -> int:
        return len(self._bytes) - self._at

    def take(self, count: int, dtype: str) -> Array:
        size = count * np.dtype(dtype).itemsize
        if size > self.left:
            _fail(self._path, f"{self.left} bytes at offset {self._at}", f"{size} more")
        values = np.frombuffer(self._bytes, dtype, count, self._at)
        self._at += size
        return values.astype(np.float32)

    def take_tagged(self, count: int) -> Array:
        """Take weights behind their tag, with the padding to 4 bytes that follows half precision."""
        start = self._at
        tag = int.from_bytes(self._bytes[start : start + 4], "little")
        if self.left < 4 or tag not in STORED:
            _fail(self._path, f"weight tag {tag:#x} at offset {start}", "float32 or float16 weights")
        self._at += 4
        values = self.take(count, STORED[tag])
        self._at += -self._at % 4
        return values


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise AssetError(f"{path} cannot be read", got=error.strerror, remedy=_REMEDY) from error


def _fail(path: Path, got: str, expected: str) -> Never:
    raise AssetError(f"{path} is not a usable ncnn file", got=got, expected=expected, remedy=_REMEDY)
