"""Typed options: a frozen dataclass filled from the text of a selection."""

import dataclasses
import types
from collections.abc import Mapping
from enum import Enum
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from bench.base.errors import UsageError, unknown
from bench.base.files import expand_path

_BOOLEANS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


def build(cls: type, texts: Mapping[str, str], owner: str) -> Any:
    """Build an options dataclass from texts.

    Args:
        cls: a frozen dataclass whose fields all have defaults.
        texts: by the name of the option.
        owner: whose options they are, for the message.

    Raises:
        UsageError: for an unknown option or a value of another type.
    """
    hints = get_type_hints(cls)
    names = [field.name for field in dataclasses.fields(cls)]
    for name in texts:
        if name not in names:
            raise unknown(f"option of {owner}", name, names)
    try:
        return cls(**{name: _convert(text, hints[name], f"{owner}[{name}]") for name, text in texts.items()})
    except (ValueError, TypeError) as error:
        raise UsageError(f"options of {owner} cannot be used: {error}") from error


def describe(options: Any) -> dict[str, Any]:
    """Return an options dataclass as plain values."""
    return {field.name: _plain(getattr(options, field.name)) for field in dataclasses.fields(options)}


def _plain(value: Any) -> Any:
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return str(value) if isinstance(value, Path) else value


def _convert(text: str, hint: Any, where: str) -> Any:
    origin = get_origin(hint)
    if origin in (Union, types.UnionType):
        return _convert_union(text, hint, where)
    if origin is Literal:
        return _choice(text, {str(value): value for value in get_args(hint)}, where)
    if origin is tuple:
        return tuple(_convert(item, get_args(hint)[0], where) for item in text.split("+"))
    if hint is bool:
        return _choice(text.lower(), _BOOLEANS, where)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return _choice(text, {member.value: member for member in hint}, where)
    if hint is Path:
        return expand_path(text, f"option {where}")
    try:
        return hint(text)
    except ValueError as error:
        raise UsageError(f"option {where}", got=repr(text), expected=hint.__name__) from error


def _convert_union(text: str, hint: Any, where: str) -> Any:
    members = get_args(hint)
    if type(None) in members and text.lower() == "none":
        return None
    return _convert(text, next(member for member in members if member is not type(None)), where)


def _choice(text: str, choices: Mapping[str, Any], where: str) -> Any:
    if text not in choices:
        raise UsageError(f"option {where}", got=repr(text), expected=f"one of {', '.join(choices)}")
    return choices[text]
