"""`bench prepare`: fetches the files that methods, categories and metrics need."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from bench.assets.declare import Asset
from bench.assets.fetch import fetch, is_here
from bench.base.errors import AssetError, BenchError
from bench.base.progress import Reporter
from bench.categories.card import card_files
from bench.categories.category import find_category
from bench.registry import METHODS, METRICS
from bench.registry.methods import build


class Need(NamedTuple):
    """A file, and what needs it."""

    asset: Asset
    users: tuple[str, ...]


def prepare(needed: Sequence[Need], reporter: Reporter) -> list[Need]:
    """Fetch the files that are not here, and return those that could not be fetched."""
    return [need for need in needed if not _fetch(need.asset, reporter)]


def _fetch(asset: Asset, reporter: Reporter) -> bool:
    """Fetch a file when it is not here, and say what became of it."""
    if is_here(asset):
        reporter.say(f"here      {asset.name}")
        return True
    try:
        fetch(asset, progress=reporter.console.is_terminal)
    except AssetError as error:
        reporter.say(f"missing   {error}")
        return False
    reporter.say(f"fetched   {asset.name} ({asset.licence})")
    return True


def needs(methods: Sequence[str] = (), names: Sequence[str] = (), metrics: Sequence[str] = ()) -> list[Need]:
    """Return the declared files of some methods, categories and metrics, or of all when none is named."""
    if not (methods or names or metrics):
        methods, names = list(METHODS.entries()), list(card_files())
        metrics = [name for name in METRICS.entries() if name != "pyiqa"]  # many metrics, named by an argument
    users: dict[Asset, list[str]] = {}
    for user, asset in _declared(methods, names, metrics):
        users.setdefault(asset, []).append(user)
    return [Need(asset, tuple(texts)) for asset, texts in users.items()]


def _declared(methods: Sequence[str], names: Sequence[str], metrics: Sequence[str]) -> Iterator[tuple[str, Asset]]:
    for text in methods:
        yield from ((text, asset) for asset in _files_of_method(text))
    for text in names:
        yield from ((text, asset) for asset in find_category(text).assets())
    for text in metrics:
        yield from ((text, asset) for asset in METRICS.create(text).assets())


def _files_of_method(text: str) -> list[Asset]:
    """Return a method's declared files; one that cannot be built without an option has none to declare."""
    try:
        return [file for file in build(text).assets() if isinstance(file, Asset)]
    except BenchError:
        return []
