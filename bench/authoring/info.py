"""`bench info`: everything there is to say about one method, category or metric, as lines of text."""

import inspect
from collections.abc import Iterator, Sequence
from pathlib import Path

from bench.assets.declare import Asset
from bench.assets.fetch import is_here
from bench.base import options
from bench.base.errors import BenchError, unknown
from bench.categories.card import card_files
from bench.categories.category import find_category
from bench.registry import METHODS, METRICS
from bench.registry.identity import covered_files, sources
from bench.registry.methods import build
from bench.registry.selection import parse


def info(text: str) -> Iterator[str]:
    """Describe what a selection names.

    Raises:
        UsageError: when no method, category or metric has that name.
    """
    name = parse(text).name
    if name in METRICS.entries() or _is_metric_file(name):
        return _metric(parse(text).target)
    if name in card_files():
        return _category(text)
    if name in METHODS.entries() or name.endswith(".py"):
        return _method(text)
    names = [*METHODS.entries(), *card_files(), *METRICS.entries()]
    raise unknown("method, category or metric", name, names)


def _is_metric_file(name: str) -> bool:
    try:
        return name.endswith(".py") and bool(METRICS.load(name))
    except BenchError:  # which a method's file raises, and one that is not there
        return False


def _method(text: str) -> Iterator[str]:
    method = build(text)
    entry = METHODS.entries().get(method.name)
    yield f"{method.title or method.name} (method {method.name})"
    yield inspect.getdoc(type(method)) or ""
    yield f"from: {entry.origin if entry else 'a file'}, {inspect.getfile(type(method))}"
    for name, value in options.describe(method.options).items():
        yield f"option {name} = {value}"
    if method.kind:
        yield f"for images of: {method.kind}"
    if method.training_metrics:
        yield f"its training used the network of: {', '.join(method.training_metrics)}"
    if method.notes:
        yield f"departs from its publication: {method.notes}"
    yield from _files(method.assets())
    yield "its identity holds its options and these files; when one says something else, it is another method:"
    yield from (f"  {path}" for path in (*sources(type(method)), *covered_files(method)) if isinstance(path, Path))


def _category(text: str) -> Iterator[str]:
    source = find_category(text)
    yield f"{source.card.title} (category {source.name})"
    yield source.card.about
    yield f"kind: {source.card.kind or 'not said'}"
    yield f"licence: {source.card.licence}"
    yield f"how to get it: {source.card.how_to_get}"


def _metric(name: str) -> Iterator[str]:
    metric = METRICS.create(name)
    yield f"{metric.title or metric.name} (metric {metric.name})"
    yield inspect.getdoc(type(metric)) or ""
    yield f"signature: {metric.signature}"
    yield f"better: {metric.better.value}"
    if metric.kinds:
        yield f"for images of: {', '.join(metric.kinds)}"
    yield from _files(metric.assets())


def _files(files: Sequence[Asset | Path]) -> Iterator[str]:
    for file in files:
        if isinstance(file, Asset):
            yield f"file: {file.name}, {'here' if is_here(file) else 'not here'}, {file.licence}"
        else:
            yield f"file: {file}"
