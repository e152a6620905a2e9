"""Everything that is known of one method, category or metric, as lines of text."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from bench import registry
from bench.assets.declare import Asset
from bench.assets.fetch import is_here
from bench.base import options
from bench.categories import category as categories
from bench.registry.methods import build


def method(text: str) -> Iterator[str]:
    """Describe a method as a selection names it."""
    built = build(text)
    entry = registry.METHODS.entries().get(built.name)
    yield f"{built.title or built.name} (method {built.name})"
    yield inspect.getdoc(type(built)) or ""
    yield f"from: {entry.origin if entry else 'a file'}, {inspect.getfile(type(built))}"
    for name, value in options.describe(built.options).items():
        yield f"option {name} = {value}"
    if kind := built.kind:
        yield f"for images of: {kind}"
    if trained := built.training_metrics:
        yield f"its training used the network of: {', '.join(trained)}"
    if notes := built.notes:
        yield f"departs from its publication: {notes}"
    yield from _files(built.assets())


def category(text: str) -> Iterator[str]:
    """Describe a category."""
    source = categories.find(text)
    yield f"{source.title} (category {source.name})"
    yield source.about
    yield f"kind: {source.kind or 'not said'}"
    yield f"licence: {source.licence}"
    yield f"how to get it: {source.how_to_get}"


def metric(name: str) -> Iterator[str]:
    """Describe a metric."""
    built: Any = registry.METRICS.create(name)
    yield f"{name}: {inspect.getdoc(type(built)) or ''}"
    yield f"signature: {built.signature}"
    yield f"better: {built.better.value}"
    if kinds := built.kinds:
        yield f"for images of: {', '.join(kinds)}"
    yield from _files(built.assets())


def _files(files: Sequence[Asset | Path]) -> Iterator[str]:
    for file in files:
        if isinstance(file, Asset):
            yield f"file: {file.name}, {'here' if is_here(file) else 'not here'}, {file.licence}"
        else:
            yield f"file: {file}"
