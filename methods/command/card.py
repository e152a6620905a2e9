"""The card of an external program: how to start it, and what it can do."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from bench import UsageError
from bench.base import toml
from bench.base.errors import unknown

_REQUIRED = ("{input}", "{output}")


@dataclass(frozen=True)
class Card:
    """The fields of a card."""

    command: tuple[str, ...]
    name: str | None = None
    factors: tuple[int, ...] | None = None


def read_card(path: Path) -> Card:
    """Read a card.

    Raises:
        UsageError: when it is not there, not TOML, or has a field that a card cannot have.
    """
    content = toml.read(path)
    keys = [field.name for field in fields(Card)]
    for key in content:
        if key not in keys:
            raise unknown(f"key in card {path}", key, keys)
    name = content.get("name")
    if not isinstance(name, str | None):
        raise UsageError(f"name in card {path}", got=repr(name), expected="a text")
    return Card(_command(path, content), name, _factors(path, content))


def _command(path: Path, content: Mapping[str, Any]) -> tuple[str, ...]:
    command = content.get("command")
    if not isinstance(command, list) or not command or not all(isinstance(part, str) for part in command):
        got = "nothing" if command is None else repr(command)
        expected = 'a list of texts, such as ["python", "my.py"]'
        raise UsageError(f"command in card {path}", got=got, expected=expected)
    if any("\0" in part for part in command):
        raise UsageError(f"command in card {path} holds a null character", got=command)
    for placeholder in _REQUIRED:
        if not any(placeholder in part for part in command):
            raise UsageError(f"command in card {path} does not say where {placeholder} goes", got=command)
    return tuple(command)


def _factors(path: Path, content: Mapping[str, Any]) -> tuple[int, ...] | None:
    factors = content.get("factors")
    if factors is None:
        return None
    if not isinstance(factors, list) or not all(type(factor) is int and factor > 0 for factor in factors):
        raise UsageError(f"factors in card {path}", got=repr(factors), expected="a list such as [16, 32]")
    return tuple(factors)
