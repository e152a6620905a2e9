"""Writes run folders through the store, with small random pictures and values that a test can compute again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path

import numpy as np
from PIL import Image

from bench.base.metric import Better
from bench.images.degradation import make_lr
from bench.images.png import pixel_digest
from bench.store.records import CategoryRecord, MethodRecord, MetricRecord, RestoredCell, Status, UnavailableMetric
from bench.store.results import Run
from bench.store.rows import CellRow, ImageRow, InputRow, Score, SetScore
from bench.store.sets import cell_sets, set_digest
from bench.store.store import Store

SIGNATURES = {
    "psnr": ("psnr|rgb|crop:0|uint8|v1", Better.HIGHER, "dB"),
    "ssim": ("ssim|rgb|gauss11|v1", Better.HIGHER, ""),
    "lpips": ("lpips|alex|0.1|v1", Better.LOWER, ""),
    "lite2": ("lite|efficientnet-lite2|v1", Better.LOWER, ""),
    "arcface": ("arcface|buffalo_l|v1", Better.HIGHER, ""),
    "haarpsi": ("haarpsi|piq|v1", Better.HIGHER, ""),
    "lr_psnr": ("lr_psnr|v1", Better.HIGHER, "dB"),
    "ms_ssim": ("ms_ssim|v1", Better.HIGHER, ""),
    "dists": ("dists|v1", Better.LOWER, ""),
    "niqe": ("niqe|v1", Better.LOWER, ""),
    "dlib": ("dlib|resnet29|v1", Better.LOWER, ""),
    "landmarks": ("landmarks|dlib68|v1", Better.LOWER, "%"),
}
TITLES = {
    "haarpsi": "HaarPSI",
    "arcface": "Identity (ArcFace)",
    "dlib": "Identity (dlib)",
    "landmarks": "Landmarks",
}
SCALES = {"psnr": (24.0, 2.0), "lr_psnr": (40.0, 4.0)}


@dataclass
class RunSpec:
    """What a run is spec of. Everything not named in `failed` is done and has every metric."""

    methods: Sequence[str] = ("nearest", "bicubic", "glean")
    images: Sequence[str] = ("0001", "0002", "0003", "0004")
    factors: Sequence[int] = (16, 32)
    categories: Sequence[str] = ("faces",)
    metrics: Sequence[str] = ("psnr", "ssim", "lpips", "lite2")
    size: int = 64
    width: int | None = None
    """When the pictures are not square."""
    recorded: Mapping[str, float] = field(default_factory=dict)
    """What every method records about itself."""
    has_hr: bool = True
    failed: Mapping[tuple[str, str, int], tuple[Status, str]] = field(default_factory=dict)
    """By method, image and factor."""
    unscored: Sequence[tuple[str, str, str]] = ()
    """By method, image and metric."""
    upper_bound: str | None = None
    training_metrics: Mapping[str, Sequence[str]] = field(default_factory=dict)
    titles: Mapping[str, str] = field(default_factory=dict)
    unavailable_metrics: Sequence[tuple[str, str, str]] = ()
    fid: bool = False
    approaches: Mapping[str, str] = field(default_factory=dict)
    """By method; `single pass` for the others."""
    about: str = "Sampled faces: methods that hold the generator have an easy time on them."
    salt: int = 0


def value(spec: RunSpec, method: str, image: str, factor: int, metric: str) -> float:
    """Return the value that a cell holds, drawn from a key of names."""
    key = f"{spec.salt}|{image}|{factor}|{metric}"
    shared = np.random.default_rng(list(key.encode())).normal()
    own = np.random.default_rng(list(f"{key}|{method}".encode())).normal()
    centre, spread = SCALES.get(metric, (0.5, 0.08))
    gain = list(spec.methods).index(method) * (1 if SIGNATURES[metric][1] is Better.HIGHER else -1)
    return float(centre + spread * (0.8 * shared + 0.3 * own + 0.25 * gain - np.log2(factor) / 4))


def title(metric: str) -> str:
    """Return what pages call a metric."""
    return TITLES.get(metric, metric.upper().replace("_", "-"))


def write_run(root: Path, spec: RunSpec) -> Run:
    """Write a run folder."""
    with Store(root) as store:
        store.hold_constants({"protocol": "test", "seed": "0"})
        store.record_command(
            {"command": "bench run --methods a,b <x>", "python": "3.11", "packages": {"numpy": "2"}}
        )
        with store.transaction():
            methods = {label: _method(store, spec, label, index) for index, label in enumerate(spec.methods)}
            metrics = {name: _metric(store, name) for name in spec.metrics}
            for category in spec.categories:
                _category(store, spec, category, methods, metrics)
            for row in spec.unavailable_metrics:
                store.note_unavailable(UnavailableMetric(*row))
    return Run(root)


def _method(store: Store, spec: RunSpec, label: str, index: int) -> int:
    record = MethodRecord(
        name=f"m{index}",
        label=label,
        title=spec.titles.get(label, label),
        slug=f"m{index}",
        identity=f"{index:064x}",
        options={"steps": 100, "weights": None},
        is_upper_bound=label == spec.upper_bound,
        training_metrics=tuple(spec.training_metrics.get(label, ())),
        notes="",
        approach=spec.approaches.get(label, "single pass"),
    )
    return store.register_method(record)[0]


def _metric(store: Store, name: str) -> int:
    signature, better, unit = SIGNATURES[name]
    about = f"What {title(name)} says of an image."
    return store.register_metric(MetricRecord(name, title(name), signature, better, "image", unit, about=about))


def _category(
    store: Store, spec: RunSpec, name: str, methods: Mapping[str, int], metrics: Mapping[str, int]
) -> None:
    category = store.register_category(
        CategoryRecord(name, name.title(), name, spec.about, "CC0", "/data", "none", has_hr=spec.has_hr)
    )
    for label, factor in product(methods, spec.factors):
        store.ask(label, category, factor, len(spec.images), 1)
    for position, image in enumerate(spec.images):
        pixels = _pixels(spec, f"{name}|{image}")
        if spec.has_hr:
            _save(pixels, store.layout.hr(name, image))
        image_id = store.write_image(
            ImageRow(
                category, image, position, "", "", pixel_digest(pixels), image, pixels.shape[1], pixels.shape[0]
            )
        )
        for factor in spec.factors:
            lr = make_lr(pixels, factor)
            _save(lr, store.layout.lr(name, image, factor))
            input_id = store.write_input(InputRow(image_id, factor, pixel_digest(lr), lr.shape[1], lr.shape[0]))
            for label, method in methods.items():
                _cell(store, spec, (label, name, image, factor), method, input_id, metrics)
    if spec.fid:
        _fid(store, spec, category, methods)


def _cell(
    store: Store,
    spec: RunSpec,
    key: tuple[str, str, str, int],
    method: int,
    input_id: int,
    metrics: Mapping[str, int],
) -> None:
    label, category, image, factor = key
    status, reason = spec.failed.get((label, image, factor), (Status.DONE, None))
    cell = store.write_cell(CellRow(method, input_id, 0, status, reason))
    if status is not Status.DONE:
        return
    slug = f"m{list(spec.methods).index(label)}"
    _save(_pixels(spec, f"{label}|{category}|{image}|{factor}"), store.layout.sr(slug, category, image, factor))
    scores = [
        Score(cell, number, None, "no face was found")
        if (label, image, name) in spec.unscored
        else Score(cell, number, value(spec, label, image, factor, name))
        for name, number in metrics.items()
    ]
    for name, own in spec.recorded.items():
        metric = MetricRecord(name, name, "recorded by the method", Better.HIGHER, "value", "")
        scores.append(Score(cell, store.register_metric(metric), own))
    seconds = MetricRecord("seconds", "seconds", "seconds|wall|v1", Better.LOWER, "cost", "s")
    scores.append(Score(cell, store.register_metric(seconds), 0.01 * 10 ** list(spec.methods).index(label)))
    store.write_scores(scores)


def _fid(store: Store, spec: RunSpec, category: int, methods: Mapping[str, int]) -> None:
    fid = store.register_metric(MetricRecord("fid", title("fid"), "fid|pytorch-fid|v1", Better.LOWER, "set", ""))
    note = "fewer than 2,048 images"
    index = {method: place for place, method in enumerate(methods.values())}
    for cells in cell_sets(cell for cell in store.restored_cells() if cell.category_id == category):
        key = (cells[0].method_id, category, cells[0].factor, 0, fid)
        value = 90.5 - index[cells[0].method_id]
        store.write_set_score(SetScore(*key, value, len(cells), note, set_digest(cells)))


def _pixels(spec: RunSpec, key: str) -> np.ndarray:
    """Draw a smooth random picture."""
    rng = np.random.default_rng(list(key.encode()))
    corners = rng.uniform(0, 255, (2, 2, 3))
    t, u = np.linspace(0, 1, spec.size), np.linspace(0, 1, spec.width or spec.size)
    rows = corners[0] * (1 - t)[:, None, None] + corners[1] * t[:, None, None]
    image = rows[:, :1] * (1 - u)[None, :, None] + rows[:, 1:] * u[None, :, None]
    return np.clip(image + rng.normal(0, 12, image.shape), 0, 255).astype(np.uint8)


def _save(image: np.ndarray, path: Path) -> None:
    """Write a picture as `save_png` does, but without waiting for the disk: thousands take seconds, not minutes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(image).save(path, compress_level=1)


def cell_of(category: str, image: str) -> RestoredCell:
    """Return a restored cell of an image, its numbers without meaning."""
    meaningless = {"cell_id": 1, "method_id": 1, "slug": "m0", "category_id": 1, "kind": "faces", "repeat": 0}
    fields = {**dict.fromkeys(RestoredCell._fields, True), **meaningless, "factor": 16, "digest": ""}
    named = {name: image for name in ("image", "file") if name in RestoredCell._fields}
    return RestoredCell(**{**fields, "category": category, **named})
