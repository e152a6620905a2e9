"""What files the suite needs, which are here, and what the others would take."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from bench import registry
from bench.assets.declare import Asset, home
from bench.assets.fetch import fetch, is_here
from bench.base.errors import AssetError, BenchError
from bench.base.progress import Reporter
from bench.categories import category as categories
from bench.registry.methods import build

EXTRAS = {
    "dlib": "identity",
    "insightface": "identity",
    "onnxruntime": "identity",
    "datasets": "sources",
    "accelerate": "train",
    "ray": "ray",
}


class Need(NamedTuple):
    """A file and who needs it."""

    asset: Asset
    users: tuple[str, ...]

    def fetch(self, reporter: Reporter) -> bool:
        """Fetch the file when it is not here, and say what became of it."""
        if is_here(self.asset):
            reporter.say(f"here      {self.asset.name}")
            return True
        try:
            fetch(self.asset, progress=reporter.console.is_terminal)
        except AssetError as error:
            reporter.say(f"missing   {error}")
            return False
        reporter.say(f"fetched   {self.asset.name} ({self.asset.licence})")
        return True


def needs(methods: Sequence[str], names: Sequence[str], metric_names: Sequence[str]) -> list[Need]:
    """Return the declared files of some methods, categories and metrics; of all when none is named."""
    if not (methods or names or metric_names):
        methods, names, metric_names = (
            list(registry.METHODS.entries()),
            list(categories.discover()),
            list(registry.METRICS.entries()),
        )
    found: dict[Asset, list[str]] = {}
    for user, asset in _declared(methods, names, metric_names):
        found.setdefault(asset, []).append(user)
    return [Need(asset, tuple(users)) for asset, users in found.items()]


def _declared(
    methods: Sequence[str], names: Sequence[str], metric_names: Sequence[str]
) -> Iterator[tuple[str, Asset]]:
    for text in methods:
        yield from ((text, asset) for asset in _files_of_method(text))
    for text in names:
        yield from ((text, asset) for asset in categories.find(text).assets())
    for text in metric_names:
        yield from ((text, asset) for asset in registry.METRICS.create(text).assets())


def _files_of_method(text: str) -> list[Asset]:
    """Return a method's declared files; one that needs an option to be built has none to declare."""
    try:
        return [file for file in build(text).assets() if isinstance(file, Asset)]
    except BenchError:
        return []


def diagnose() -> Iterator[str]:
    """Yield what is here and what is missing, one line each."""
    yield f"Python {sys.version.split()[0]}; cache {home()}"
    yield _device_line()
    for module, extra in EXTRAS.items():
        if importlib.util.find_spec(module) is None:
            yield f"missing   package {module}: pip install 'glean-bench[{extra}]'"
    for need in needs([], [], []):
        asset, users = need.asset, ", ".join(need.users)
        size = f"{asset.size / 1e6:.1f} MB" if asset.size else "size unknown"
        if is_here(asset):
            yield f"here      {asset.name} ({size}, {asset.licence}), for {users}"
        else:
            yield f"missing   {asset.name} ({size}, {asset.licence}), for {users}; from {asset.sources[0]}"


def _device_line() -> str:
    import torch

    if not torch.cuda.is_available():
        return f"torch {torch.__version__}; no GPU: everything runs on the CPU"
    return f"torch {torch.__version__}; GPU {torch.cuda.get_device_name()}"
