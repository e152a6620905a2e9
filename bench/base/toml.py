"""Filling a dataclass from a TOML table: nothing unknown, nothing missing, nothing of another type."""

import dataclasses
import re
import tomllib
import types
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from bench.base.errors import UsageError, unknown

T = TypeVar("T")

_MOST_BYTES = 1 << 22
_DEEP = re.compile(r"""(?<![\w-])(?:(?:[\w-]++|"[^"\n]*+"|'[^'\n]*+')[ \t]*+\.[ \t]*+){100}""")
"""A key of a hundred parts: what `tomllib` needs for one grows with their square, minutes for 100 kB."""


def read(path: Path, what: str = "card") -> dict[str, Any]:
    """Read the TOML of a card or a configuration.

    Raises:
        UsageError: when it cannot be read, is no TOML, or is larger or deeper than any card.
    """
    try:
        with path.open("rb") as file:
            content = file.read(_MOST_BYTES + 1)
        text = content.decode("utf-8-sig").replace("\r\n", "\n")
        if len(content) > _MOST_BYTES or _DEEP.search(text):
            expected = f"at most {_MOST_BYTES >> 20} MiB, and keys of fewer than a hundred parts"
            raise UsageError(f"{what} {path} is too large or too deep", expected=expected)
        return tomllib.loads(text)
    except OSError as error:
        raise UsageError(f"{what} {path} cannot be read", got=error.strerror) from error
    except UnicodeDecodeError as error:
        got = f"the byte {error.object[error.start]:#04x} at {error.start}"
        raise UsageError(f"{what} {path} is not UTF-8", got=got, remedy="save it as UTF-8") from error
    except ValueError as error:
        raise UsageError(f"{what} {path} is not TOML: {error}") from error
    except RecursionError as error:
        got = "too many nested lists or tables"
        raise UsageError(f"{what} {path} is not TOML for a {what}", got=got) from error


def build(cls: type[T], table: Mapping[str, Any], where: str, **fixed: Any) -> T:
    """Build a dataclass from a table.

    Args:
        cls: the dataclass; a field that is a dataclass itself is filled from a table of its own.
        table: the values, as `tomllib` reads them.
        where: whose table it is, for the message.
        fixed: fields that do not come from the table.

    Raises:
        UsageError: for an unknown key (with the close ones), a missing key or a value of another type.
    """
    hints = get_type_hints(cls)
    fields = [field for field in dataclasses.fields(cast(Any, cls)) if field.name not in fixed]
    keys = [field.name for field in fields]
    for key in table:
        if key not in keys:
            raise unknown(f"key of {where}", key, keys)
    for field in fields:
        if field.name not in table and field.default is field.default_factory is dataclasses.MISSING:
            raise UsageError(f"{where} lacks the key '{field.name}'", expected=_describe(hints[field.name]))
    values = {key: _convert(value, hints[key], f"{key} of {where}") for key, value in table.items()}
    return cls(**values, **fixed)


def _convert(value: Any, hint: Any, where: str) -> Any:
    if dataclasses.is_dataclass(hint) and isinstance(value, dict):
        return build(cast(type[Any], hint), value, where)
    if not _fits(value, hint):
        raise UsageError(f"{where} has another type", got=repr(value), expected=_describe(hint))
    return tuple(value) if isinstance(value, list) else value


def _fits(value: Any, hint: Any) -> bool:
    origin, args = get_origin(hint), get_args(hint)
    if hint is Any:
        return True
    if origin in (Union, types.UnionType):
        return any(_fits(value, arg) for arg in args)
    if origin is tuple:
        return isinstance(value, list) and all(_fits(item, args[0]) for item in value)
    if origin is not None:
        return isinstance(value, dict) and all(_fits(item, args[1]) for item in value.values())
    if isinstance(value, bool) or hint is bool:
        return isinstance(value, bool) and hint is bool
    return isinstance(value, (int, float) if hint is float else hint)


def _describe(hint: Any) -> str:
    if get_origin(hint) in (Union, types.UnionType):
        hint = get_args(hint)[0]
    if dataclasses.is_dataclass(hint) or get_origin(hint) not in (None, tuple):
        return "a table"
    names = {str: "a text", bool: "true or false", int: "a whole number", float: "a number"}
    return names.get(hint, "a list of whole numbers" if get_args(hint)[:1] == (int,) else "a list of texts")
