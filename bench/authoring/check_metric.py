"""`bench metrics check`: runs a metric on a photograph of a face and on worse ones, and reports what is wrong."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from bench.authoring.check import Finding, Problem, Stop, call, in_own_process
from bench.base.errors import ImageError, Unavailable, located
from bench.base.metric import Better, ImageMetric, SetMetric, metric_value
from bench.base.types import Pixels
from bench.images.degradation import make_lr, resize
from bench.registry import METRICS

_SIDE, _FACTOR = 512, 16
_REFERENCES = ("hr", "lr", "none")


class _Images(NamedTuple):
    """What a metric is tried on, uint8 (512, 512, 3)."""

    hr: Pixels
    mild: Pixels
    """A little blurred."""
    strong: Pixels
    """From 32 pixels."""
    black: Pixels
    other: Pixels
    """Another image: the first one mirrored, darker."""


def check_metric(text: str) -> list[Finding]:
    """Check the metric that a text names, in a process of its own; an empty list when all is well.

    Raises:
        BenchError: when the text names nothing that can be built, or its files or packages cannot be had.
    """
    return in_own_process(check_here, text)


def check_here(text: str) -> list[Finding]:
    """Check the metric that a text names in this process; errors as of `check_metric`."""
    metric = METRICS.create(text)
    findings = list(_check_declaration(metric, text))
    behaviour = _check_set_metric if isinstance(metric, SetMetric) else _check_image_metric
    try:
        if not findings:
            behaviour(text, _images())
    except Stop as stop:
        findings.append(Finding(*stop.args))
    return findings


def _images() -> _Images:
    from skimage import data

    photographs: Any = data
    hr = resize(np.ascontiguousarray(photographs.astronaut()[0:256, 96:352]), _SIDE, _SIDE)
    mild, strong = (resize(make_lr(hr, factor), _SIDE, _SIDE) for factor in (2, _FACTOR))
    return _Images(hr, mild, strong, np.zeros_like(hr), np.ascontiguousarray(hr[:, ::-1] // 2))


def _check_declaration(metric: Any, text: str) -> Iterator[Finding]:
    cls = type(metric)
    if absent := [name for name in ("signature", "better") if not hasattr(metric, name)]:
        given = {"signature": f'"{metric.name}|v1"', "better": "bench.Better.LOWER (or HIGHER)"}
        sentence = " and ".join(f"{name} = {given[name]}" for name in absent)
        yield Finding(Problem.SIGNATURE, f"class {cls.__name__} does not declare {sentence}")
        return
    if not (cls.__doc__ or "").strip():
        yield Finding(
            Problem.DOCSTRING, f"class {cls.__name__} has no docstring; its first line is what lists show"
        )
    if not isinstance(metric.better, Better):
        got = f"better is {metric.better!r}, not bench.Better.HIGHER or bench.Better.LOWER"
        yield Finding(Problem.SIGNATURE, got)
    if not isinstance(metric.signature, str) or metric.signature.startswith("|"):
        yield Finding(Problem.SIGNATURE, "signature is no text; name in it whatever decides the value")
    if text.endswith(".py") and metric.name in METRICS.entries():
        yield Finding(Problem.SIGNATURE, f"the name {metric.name} is taken by another metric; choose another one")
    if isinstance(metric, ImageMetric) and metric.reference not in _REFERENCES:
        yield Finding(Problem.REFERENCE, f"reference is {metric.reference!r}, not one of {', '.join(_REFERENCES)}")


def _loaded(text: str) -> Any:
    import torch

    metric = METRICS.create(text)
    try:
        metric.load(torch.device("cpu"))
    except Unavailable:
        raise
    except Exception as error:
        raise Stop(Problem.EXCEPTION, f"load() failed: {located(error)}") from error
    return metric


def _check_image_metric(text: str, images: _Images) -> None:
    metric, again = _loaded(text), _loaded(text)
    described = _describe(metric, images.hr)
    values = [_compare(metric, sr, described) for sr in images]
    if values != [_compare(again, sr, _describe(again, images.hr)) for sr in images]:
        raise Stop(Problem.NONDETERMINISM, "two fresh starts gave one image different values")
    _describe(metric, images.other)  # describing another reference may change nothing
    if values[::-1] != [_compare(metric, sr, described) for sr in reversed(images)]:
        sentence = "images in another order have other values; let compare() change neither self nor its features"
        raise Stop(Problem.STATE, sentence)
    if metric.reference != "none":
        _check_direction(metric.better, values[0], {"one made of 32 pixels": values[2], "a black one": values[3]})


def _describe(metric: ImageMetric, hr: Pixels) -> Any:
    if metric.reference == "none":
        return None
    reference = make_lr(hr, _FACTOR) if metric.reference == "lr" else hr
    return _unchanged("features()", metric.features, reference)


def _compare(metric: ImageMetric, sr: Pixels, features: Any) -> float:
    try:
        value = _unchanged("compare()", lambda image: metric.compare(image, features, _FACTOR), sr)
        return _number("compare()", value)
    except Stop as stop:
        if metric.reference != "none" or stop.args[0] is not Problem.EXCEPTION:
            raise
        sentence = f'{stop.args[1]}; with reference = "none" features is None: declare "hr" or "lr" to have one'
        raise Stop(Problem.REFERENCE, sentence) from stop


def _unchanged(step: str, function: Any, image: Pixels) -> Any:
    copy = image.copy()
    result = call(step, partial(function, copy))
    if not np.array_equal(copy, image):
        raise Stop(Problem.MUTATION, f"{step} changed the image that it was given; work on a copy")
    return result


def _number(step: str, value: Any) -> float:
    try:
        number = metric_value(step, value)
    except ImageError as error:
        raise Stop(Problem.EXCEPTION, str(error)) from error
    if not math.isfinite(number):
        raise Stop(Problem.NAN, f"{step} returned {number}; raise bench.ImageError for an image without a value")
    return number


def _check_direction(better: Better, equal: float, worse: dict[str, float]) -> None:
    if {equal} == {*worse.values()}:
        raise Stop(Problem.CONSTANT, f"the image itself and {', '.join(worse)} all have {equal:.6g}; look at SR")
    sign = 1 if better is Better.HIGHER else -1
    for name, value in worse.items():
        if sign * value >= sign * equal:
            what = f"better is {better.value}, yet the image itself has {equal:.6g} and {name} {value:.6g}"
            raise Stop(Problem.DIRECTION, what)


def _check_set_metric(text: str, images: _Images) -> None:
    metric, unloaded = _loaded(text), METRICS.create(text)
    vectors = [_unchanged("features()", metric.features, image) for image in images]
    if any(not np.array_equal(vectors[index], metric.features(images[index])) for index in (3, 0)):
        raise Stop(Problem.STATE, "features() of one image differ after another; change nothing on self")
    near, far = [0, 1, 4], [2, 3, 1]
    forth, back = (_distance(unloaded, vectors, order, near) for order in (far, far[::-1]))
    if not math.isclose(forth, back, rel_tol=1e-5, abs_tol=1e-8):
        raise Stop(Problem.STATE, f"a set in another order has another value: {forth:.6g}, then {back:.6g}")
    _check_direction(metric.better, _distance(unloaded, vectors, near, near), {"a set of worse ones": forth})


def _distance(metric: SetMetric, vectors: Sequence[Any], sr: Sequence[int], hr: Sequence[int]) -> float:
    sets = []
    for chosen in (sr, hr):
        one, rest = call("new_set()", metric.new_set), call("new_set()", metric.new_set)
        for index in chosen[:-1]:
            call("add()", partial(one.add, vectors[index]))
        rest.add(vectors[chosen[-1]])
        call("merge()", partial(one.merge, rest))
        sets.append(one)
    return _number("distance()", call("distance()", lambda: metric.distance(*sets)).value)
