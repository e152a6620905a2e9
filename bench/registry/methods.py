"""Methods as a command selects them: with options, an argument, and a name of their own."""

import dataclasses
import hashlib
import re
from typing import Any, NamedTuple

from bench import registry
from bench.base import options
from bench.base.errors import MethodError, UsageError
from bench.base.method import Method
from bench.registry.identity import identity
from bench.registry.selection import Selection, parse


class Selected(NamedTuple):
    """A method, built."""

    label: str
    slug: str
    identity: str
    method: Method
    text: str
    """The selection that builds it again in another process."""


def create(text: str) -> Selected:
    """Build the method that a selection names, and its identity; its weights are not loaded.

    Raises:
        UsageError: for an unknown method or option.
        MethodError: for an adapter that cannot be imported or is no `bench.Method`.
    """
    method = build(text)
    selection = parse(text)
    label = selection.label or str(selection)
    return Selected(label, slug(label), identity(method), method, text)


def build(text: str) -> Method:
    """Build the method that a selection names, and nothing more; errors as of `create`."""
    selection = parse(text)
    cls = registry.METHODS.load(selection.name)
    fields: type = cls.Options
    if not dataclasses.is_dataclass(fields):
        remedy = "declare class Options with @dataclass(frozen=True)"
        raise MethodError(f"method {cls.name} has no dataclass Options", remedy=remedy)
    texts = dict(selection.options)
    if selection.argument:
        texts[_argument_field(cls, selection)] = selection.argument
    return cls(options.build(fields, texts, cls.name))


def _argument_field(cls: Any, selection: Selection) -> str:
    fields = dataclasses.fields(cls.Options)
    if not fields:
        raise UsageError(f"method {cls.name} takes no argument", got=f":{selection.argument}")
    return fields[0].name


def slug(label: str) -> str:
    """Return a name for a method's folder: safe in every file system, another for every label."""
    safe = re.sub(r"[^\w+.-]+", "-", label).strip("-.")
    if safe == label and len(safe) <= 80:
        return safe
    short = hashlib.sha256(label.encode()).hexdigest()[:6]
    return f"{safe[:60]}-{short}"
