"""The metrics, one file each, and the one place where they are found and built.

Listing reads sources with `ast` and imports none of them, so it costs neither torch nor a missing extra.
"""

from __future__ import annotations

import ast
import importlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, Literal, NamedTuple, cast

from bench.base.errors import unknown
from bench.base.metric import Better, ImageMetric, SetMetric

ORDER = (
    "psnr",
    "ssim",
    "ms_ssim",
    "lr_psnr",
    "haarpsi",
    "lpips",
    "lite",
    "arcface",
    "dlib",
    "fid",
    "kid",
)
"""The modules, in the order in which tables show their metrics."""

DEFAULT = ("psnr", "ssim", "lr_psnr", "lpips", "lite2", "arcface", "dlib")
"""What is computed when nobody says; set metrics mean little on few images, so only on request."""


class Entry(NamedTuple):
    """A metric that could be computed."""

    name: str
    summary: str
    scope: Literal["image", "set"]
    better: Better
    signature: str
    reference: str | None
    """What SR is compared with, `hr`, `lr` or `none`; None for a set metric."""
    unit: str
    kinds: tuple[str, ...] | None
    """The kinds of image it means something for, None for every kind."""
    extra: str | None
    """The optional dependency that it needs."""
    module: str
    attribute: str


@cache
def discover() -> dict[str, Entry]:
    """Return the metrics by name, in the order of tables."""
    entries = (entry for module in ORDER for entry in _entries(module))
    return {entry.name: entry for entry in entries}


def create(name: str) -> ImageMetric | SetMetric:
    """Build a metric; nothing is read before its `load`.

    Raises:
        UsageError: for an unknown name.
    """
    entries = discover()
    if name not in entries:
        raise unknown("metric", name, entries)
    module = importlib.import_module(entries[name].module)
    return cast("ImageMetric | SetMetric", getattr(module, entries[name].attribute)())


def _entries(module: str) -> Iterator[Entry]:
    tree = ast.parse(Path(__file__).with_name(f"{module}.py").read_text(encoding="utf-8"))
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and "name" in (values := _literals(node)):
            yield _entry(node, f"{__name__}.{module}", values)


def _entry(node: ast.ClassDef, module: str, values: dict[str, Any]) -> Entry:
    return Entry(
        name=values["name"],
        summary=(ast.get_docstring(node) or "").partition("\n")[0],
        scope="image" if "reference" in values else "set",
        better=values["better"],
        signature=values["signature"],
        reference=values.get("reference"),
        unit=values.get("unit", ""),
        kinds=values.get("kinds"),
        extra=values.get("extra"),
        module=module,
        attribute=node.name,
    )


def _literals(node: ast.ClassDef) -> dict[str, Any]:
    """Return what a class body assigns as plain values; a `Better` member counts as one."""
    values = {}
    for item in node.body:
        match item:
            case ast.AnnAssign(
                target=ast.Name(id=name), value=ast.Attribute(value=ast.Name("Better"), attr=member)
            ):
                values[name] = Better[member]
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.Constant() | ast.Tuple() as value):
                values[name] = ast.literal_eval(value)
    return values
