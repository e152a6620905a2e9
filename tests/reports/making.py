"""Writes run folders through the store, with small random pictures and values that a test can compute again."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from bench.base.metric import Better
from bench.images.degradation import make_lr
from bench.images.png import pixel_digest, save_png
from bench.store.results import Run
from bench.store.store import Score, Status, Store

SIGNATURES = {
    "psnr": ("psnr|rgb|crop:0|uint8|v1", Better.HIGHER, "dB"),
    "ssim": ("ssim|rgb|gauss11|v1", Better.HIGHER, ""),
    "lpips": ("lpips|alex|0.1|v1", Better.LOWER, ""),
    "lite2": ("lite|efficientnet-lite2|v1", Better.LOWER, ""),
    "arcface": ("arcface|buffalo_l|v1", Better.HIGHER, ""),
    "haarpsi": ("haarpsi|piq|v1", Better.HIGHER, ""),
    "lr_psnr": ("lr_psnr|v1", Better.HIGHER, "dB"),
    "ms_ssim": ("ms_ssim|v1", Better.HIGHER, ""),
}
SCALES = {"psnr": (24.0, 2.0), "lr_psnr": (40.0, 4.0)}


@dataclass
class Made:
    """What a run is made of. Everything not named in `failed` is done and has every metric."""

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
    about: str = "Sampled faces: methods that hold the generator have an easy time on them."
    salt: int = 0


def value(made: Made, method: str, image: str, factor: int, metric: str) -> float:
    """Return the value that a cell holds, drawn from a key of names."""
    key = f"{made.salt}|{image}|{factor}|{metric}"
    shared = np.random.default_rng(list(key.encode())).normal()
    own = np.random.default_rng(list(f"{key}|{method}".encode())).normal()
    centre, spread = SCALES.get(metric, (0.5, 0.08))
    gain = list(made.methods).index(method) * (1 if SIGNATURES[metric][1] is Better.HIGHER else -1)
    return float(centre + spread * (0.8 * shared + 0.3 * own + 0.25 * gain - np.log2(factor) / 4))


def write_run(root: Path, made: Made) -> Run:
    """Write a run folder."""
    with Store(root) as store:
        store.hold_constants({"protocol": "test", "seed": "0"})
        store.record_command(
            {"command": "bench run --methods a,b <x>", "python": "3.11", "packages": {"numpy": "2"}}
        )
        with store.transaction():
            methods = {label: _method(store, made, label, index) for index, label in enumerate(made.methods)}
            metrics = {name: _metric(store, name) for name in made.metrics}
            for category in made.categories:
                _category(store, made, category, methods, metrics)
            for gap in made.unavailable_metrics:
                store.connection.execute("INSERT INTO unavailable_metrics VALUES (?, ?, ?)", gap)
    return Run(root)


def _method(store: Store, made: Made, label: str, index: int) -> int:
    row = {
        "name": f"m{index}",
        "label": label,
        "slug": f"m{index}",
        "title": made.titles.get(label, label),
        "options": json.dumps({"steps": 100, "weights": None}),
        "sees_hr": int(label == made.upper_bound),
        "training_metrics": json.dumps(list(made.training_metrics.get(label, ()))),
        "notes": "",
        "is_current": 1,
    }
    return store.upsert("methods", {"identity": f"{index:064x}"}, row)


def _metric(store: Store, name: str) -> int:
    signature, better, unit = SIGNATURES[name]
    return store.metric(name, signature, better, "image", unit)


def _category(store: Store, made: Made, name: str, methods: Mapping[str, int], metrics: Mapping[str, int]) -> None:
    row = {
        "title": name.title(),
        "kind": name,
        "about": made.about,
        "licence": "CC0",
        "digest": "0",
        "has_hr": int(made.has_hr),
    }
    category = store.upsert("categories", {"name": name}, row)
    for position, image in enumerate(made.images):
        pixels = _pixels(made, f"{name}|{image}")
        if made.has_hr:
            save_png(pixels, store.layout.hr(name, image))
        sides = {"width": pixels.shape[1], "height": pixels.shape[0]}
        row = {"position": position, "digest": pixel_digest(pixels), "flag": None, **sides}
        image_id = store.upsert("images", {"category_id": category, "name": image}, row)
        for factor in made.factors:
            lr = make_lr(pixels, factor)
            save_png(lr, store.layout.lr(name, image, factor))
            sides = {"digest": pixel_digest(lr), "width": lr.shape[1], "height": lr.shape[0], "problem": None}
            input_id = store.upsert("inputs", {"image_id": image_id, "factor": factor}, sides)
            for label, method in methods.items():
                _cell(store, made, (label, name, image, factor), method, input_id, metrics)
    if made.fid:
        _fid(store, made, category, methods)


def _cell(
    store: Store,
    made: Made,
    key: tuple[str, str, str, int],
    method: int,
    input_id: int,
    metrics: Mapping[str, int],
) -> None:
    label, category, image, factor = key
    status, reason = made.failed.get((label, image, factor), (Status.DONE, None))
    row = {"status": str(status), "reason": reason, "digest": None}
    cell = store.upsert("cells", {"method_id": method, "input_id": input_id, "repeat": 0}, row)
    if status is not Status.DONE:
        return
    slug = f"m{list(made.methods).index(label)}"
    save_png(_pixels(made, f"{label}|{category}|{image}|{factor}"), store.layout.sr(slug, category, image, factor))
    scores = [
        Score(cell, number, None, "no face was found")
        if (label, image, name) in made.unscored
        else Score(cell, number, value(made, label, image, factor, name))
        for name, number in metrics.items()
    ]
    for name, own in made.recorded.items():
        scores.append(Score(cell, store.metric(name, "recorded by the method", Better.HIGHER, "value", ""), own))
    seconds = store.metric("seconds", "seconds|wall|v1", Better.LOWER, "cost", "s")
    scores.append(Score(cell, seconds, 0.01 * 10 ** list(made.methods).index(label)))
    store.insert_scores(scores)


def _fid(store: Store, made: Made, category: int, methods: Mapping[str, int]) -> None:
    metric = store.metric("fid", "fid|pytorch-fid|v1", Better.LOWER, "set", "")
    for index, method in enumerate(methods.values()):
        for factor in made.factors:
            row = (
                method,
                category,
                factor,
                0,
                metric,
                90.5 - index,
                len(made.images),
                "fewer than 2,048 images",
                "",
            )
            store.connection.execute("INSERT INTO set_scores VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", row)


def _pixels(made: Made, key: str) -> np.ndarray:
    """Draw a smooth random picture."""
    rng = np.random.default_rng(list(key.encode()))
    corners = rng.uniform(0, 255, (2, 2, 3))
    t, u = np.linspace(0, 1, made.size), np.linspace(0, 1, made.width or made.size)
    rows = corners[0] * (1 - t)[:, None, None] + corners[1] * t[:, None, None]
    image = rows[:, :1] * (1 - u)[None, :, None] + rows[:, 1:] * u[None, :, None]
    return np.clip(image + rng.normal(0, 12, image.shape), 0, 255).astype(np.uint8)
