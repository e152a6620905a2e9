"""Weight files that others published, read as plain tensors: nothing in them runs, nothing swells."""

import argparse
import re
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from torch import Tensor, nn

from bench import AssetError, BenchError
from bench.base.errors import one_line
from bench.base.files import file_digest
from bench.base.signatures import kind_of_file, with_article

Tensors = dict[str, Tensor]

MOST_ENTRIES, MOST_LEVELS = 200_000, 200
"""What a file's dictionaries may hold in all, and the dots of a name."""
MOST_REUSE = 16
"""How often a file's bytes may be used: as a moving average, or along an axis that repeats them."""
CHECK = "check that it is the right file"
_SAVE_AGAIN = (
    "load it with the code it was made by, and save the plain state dict with torch.save or as .safetensors"
)
_WEIGHTS = ("pickle", "zip archive", "safetensors file", "file of an unknown kind")
_REMEDIES = {
    "HTML page": "a web page was saved: get the file itself by its download link",
    "git-lfs pointer": "fetch what it stands for with `git lfs pull`",
    "empty file": "get it again",
}
_REFUSED = re.compile(r"GLOBAL ([\w.]+)")
"""What torch's reader names that it would have to import."""
_NAMED_DIGEST = re.compile(r"-([0-9a-f]{8})$")
_SAFE_COPY = (
    "if you trust the file, load it with the code it was made by and save the plain state dicts, "
    "torch.save({'G_ema': G_ema.state_dict(), 'D': D.state_dict()}, 'bank.pt')"
)


def read(path: Path) -> Tensors:
    """Read the tensors of a .safetensors, .pt or .pth file; nested dictionaries become dotted names.

    Raises:
        AssetError: when the file is not there, is damaged, or would have to be unpickled unsafely.
    """
    if not path.is_file():
        raise AssetError(f"weight file {path} is not there", remedy="check the path")
    if path.suffix == ".pkl":
        raise AssetError(f"weight file {described(path)} is a pickle that can run code", remedy=_SAFE_COPY)
    try:
        tensors = _flatten(load_content(path))
    except BenchError:
        raise
    except Exception as error:  # dictionaries may hold anything
        raise _damaged(path, error) from error
    if not tensors:
        raise _unusable(path, "no tensor in it", None)
    check_plain(tensors, path)
    return tensors


def check_packing(path: Path) -> None:
    """Refuse a file of compressed pieces: torch stores them as they are, and others may swell without bound.

    Raises:
        AssetError: when it is such a file.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return  # no archive, or one that torch refuses
    if any(member.compress_type != zipfile.ZIP_STORED for member in members):
        raise _unusable(path, "compressed pieces")
    if sum(member.file_size for member in members) > path.stat().st_size:
        raise _unusable(path, "pieces that overlap")


def check_plain(tensors: Mapping[str, Any], path: Path) -> None:
    """Refuse tensors that are no plain numbers, or that stand for far more of them than the file holds.

    Raises:
        AssetError: naming one.
    """
    odd = [name for name, tensor in tensors.items() if not _is_plain(tensor)]
    if odd:
        raise _unusable(path, f"{some(odd)}: sparse, quantised, complex or of a kind of their own")
    size = sum(tensor.numel() * tensor.element_size() for tensor in tensors.values())
    if size > MOST_REUSE * path.stat().st_size + (1 << 20):
        raise _unusable(path, f"tensors of {size:,} bytes")


def _unusable(path: Path, got: str, remedy: str | None = _SAVE_AGAIN) -> AssetError:
    return AssetError(f"weight file {described(path)} cannot be used", got=got, remedy=remedy)


def _is_plain(tensor: Any) -> bool:
    if type(tensor) not in (Tensor, nn.Parameter) or tensor.layout is not torch.strided:
        return False
    return tensor.device.type == "cpu" and not (tensor.is_quantized or tensor.is_complex())


def load_content(path: Path) -> Any:
    """Read what torch or safetensors saved, whatever the suffix: tensors in plain containers, nothing that runs.

    Raises:
        AssetError: saying what the file is instead, or what it holds beside weights.
    """
    kind = kind_of_file(path)
    if kind not in _WEIGHTS:
        got, remedy = with_article(kind), _REMEDIES.get(kind, CHECK)
        expected = "a .pth, .pt, .ckpt or .safetensors file"
        raise AssetError(f"{described(path)} is no weight file", got=got, expected=expected, remedy=remedy)
    check_packing(path)
    try:
        if kind == "safetensors file":
            return safetensors.torch.load_file(path)
        # rosinality's training keeps its arguments in the checkpoint: a Namespace holds data and runs nothing
        with torch.serialization.safe_globals([argparse.Namespace]):
            return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # damaged files raise nearly anything
        if refused := _REFUSED.search(str(error)):
            what, got = (
                f"weight file {described(path)} cannot be read",
                f"{refused[1]}, which is more than weights",
            )
            raise AssetError(what, got=got, remedy=_SAFE_COPY) from error
        raise _damaged(path, error) from error


def _damaged(path: Path, error: Exception) -> AssetError:
    reason = str(error).strip().splitlines() or [type(error).__name__]
    return AssetError(
        f"weight file {described(path)} cannot be read",
        got=reason[0].rstrip("."),
        remedy="it is damaged or no weight file; get it again",
    )


def _flatten(content: Any) -> Tensors:
    """Return the tensors by dotted names; dictionaries that hold each other, or themselves, are no weights."""
    tensors: Tensors = {}
    waiting, entries = [("", content)], 0
    while waiting:
        name, value = waiting.pop()
        entries += 1
        if isinstance(value, Tensor):
            tensors[name] = value
        elif isinstance(value, Mapping):
            if entries + len(waiting) + len(value) > MOST_ENTRIES or name.count(".") > MOST_LEVELS:
                raise ValueError("its dictionaries are nested without end")
            waiting += [(f"{name}.{key}" if name else str(key), value[key]) for key in reversed(list(value))]
    return tensors


@contextmanager
def building(path: Path, what: str) -> Iterator[None]:
    """Turn what a builder makes of odd names and shapes into one sentence about the file.

    Raises:
        AssetError: instead of any error that is not of this suite.
    """
    try:
        yield
    except BenchError:
        raise
    except Exception as error:  # a file's names and shapes may be anything
        got = one_line(error)[:200]
        raise AssetError(f"weight file {described(path)} fits no {what}", got=got, remedy=CHECK) from error


def described(path: Path) -> str:
    """Return the name and the size of a file, for an error."""
    return f"{path.name} ({path.stat().st_size:,} bytes)"


def some(names: list[str]) -> str:
    """Return the first names of a list, for an error."""
    return ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")


def check_name(path: Path) -> None:
    """Check the eight digits of its sha256 that OpenMMLab writes at the end of a released file's name.

    Raises:
        AssetError: when the content is another one.
    """
    named = _NAMED_DIGEST.search(path.stem)
    if named and not (digest := file_digest(path)).startswith(named[1]):
        raise AssetError(
            f"weight file {described(path)} is not the released one",
            got=f"sha256 {digest[:8]}",
            expected=named[1],
            remedy=f"delete {path} and fetch it again",
        )
