"""What a run is asked for: selections become methods, categories and metrics; a device and workers are chosen."""

import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version

from bench.base.device import cores, usable_device
from bench.base.errors import UsageError
from bench.categories.category import CategorySource, find_category
from bench.images import degradation
from bench.registry import DEFAULT_METRICS, METRICS
from bench.registry.methods import Selected, create
from bench.store.records import Redo
from bench.workers.jobs import Settings
from bench.workers.local import Machine
from bench.workers.ray import Cluster
from bench.workers.sandbox import sandbox

Executor = Machine | Cluster
"""Where the workers are."""
DEFAULT_CATEGORIES = ("faces",)


@dataclass(frozen=True)
class Plan:
    """A run that can begin."""

    methods: Sequence[Selected]
    sources: Sequence[CategorySource]
    is_category_named: bool
    """Whether somebody named them; else they are `DEFAULT_CATEGORIES`."""
    factors: Sequence[int]
    images: int | None
    metrics: Sequence[str]
    seed: int
    repeats: int
    redo: Redo | None
    settings: Settings
    holds_threads: bool
    """Whether the threads of a worker are those that the run was made with, if it is there."""
    executor: Executor

    @property
    def constants(self) -> dict[str, str]:
        """What every command on a run must agree on, by name."""
        versions = {"protocol": degradation.VERSION, "torch": version("torch")}
        device, threads = self.settings.device, str(self.settings.threads)
        return {**versions, "seed": str(self.seed), "device": device, "threads": threads}

    def in_run(self, constants: Mapping[str, str]) -> "Plan":
        """Return it with the threads of a run that is there, unless it says how many."""
        if not self.holds_threads or "threads" not in constants:
            return self
        return replace(self, settings=self.settings._replace(threads=int(constants["threads"])))


def make_plan(
    *,
    methods: Sequence[str],
    categories: Sequence[str] | None,
    factors: Sequence[int],
    images: int | None,
    metrics: Sequence[str] | None,
    seed: int,
    repeats: int,
    device: str,
    timeout: float | None,
    executor: str,
    workers: int | None,
    threads: int | None,
    address: str | None,
    gpus_per_worker: float | None,
    redo: Redo | None,
) -> Plan:
    """Check what `bench.run` was given, and find the methods and the images; nothing is written.

    Raises:
        UsageError, MethodError, Unavailable: as `bench.run`.
    """
    for name, texts in (("methods", methods), ("categories", categories)):
        _refuse_text(name, texts)
    names, device = metric_names(metrics), usable_device(device)
    is_alone = executor == "local" and workers is None
    plan = Plan(
        methods=_methods(methods, factors),
        sources=_sources(DEFAULT_CATEGORIES if categories is None else categories),
        is_category_named=categories is not None,
        factors=_factors(factors),
        images=images,
        metrics=names,
        seed=seed,
        repeats=repeats,
        redo=checked_redo(redo),
        settings=Settings(device, threads or (cores() if is_alone else 1), timeout, os.getcwd()),  # noqa: PTH109
        holds_threads=threads is None,
        executor=find_executor(executor, workers, address, gpus_per_worker, device),
    )
    for source in plan.sources:
        source.list(images)  # missing data must be reported before anything is written
    return plan


def _refuse_text(what: str, texts: Sequence[str] | None) -> None:
    if isinstance(texts, str):
        raise UsageError(what, got=f"the text '{texts}'", expected="a list", remedy=f"give ['{texts}']")


def _sources(texts: Sequence[str]) -> list[CategorySource]:
    sources = [find_category(text) for text in texts]
    remedy = "give one a name of its own, or leave it out"
    _refuse_one_name("categories", [source.name for source in sources], remedy)
    return sources


def _methods(texts: Sequence[str], factors: Sequence[int]) -> list[Selected]:
    if not texts:
        raise UsageError("no method is named", expected="--methods NAME,NAME")
    with sandbox():
        methods = [create(text) for text in texts]
    remedy = "give one a name of its own: other=METHOD[option=value]"
    _refuse_one_name("methods", [selected.label for selected in methods], remedy)
    names: dict[str, str] = {}
    for one in methods:
        if other := names.get(one.identity):
            raise UsageError(f"'{other}' and '{one.label}' are the same method", remedy="leave one of them out")
        names[one.identity] = one.label
        with sandbox():
            refuse_factors(one, factors)
    return methods


def _refuse_one_name(what: str, names: Sequence[str], remedy: str) -> None:
    for name in names:
        if names.count(name) > 1:
            raise UsageError(f"two {what} are called '{name}'", remedy=remedy)


def refuse_factors(selected: Selected, factors: Collection[int]) -> None:
    """Refuse several factors for a method that has results of one.

    Raises:
        UsageError: with the remedy.
    """
    if len({*factors}) > 1 and selected.method.is_of_one_factor:
        got = ", ".join(map(str, sorted({*factors})))
        remedy = "sort its images into x<factor>/<category> folders"
        raise UsageError(
            f"{selected.label} has results of one factor", got=got, expected="one factor", remedy=remedy
        )


def _factors(factors: Sequence[int]) -> list[int]:
    if any(factor < 2 for factor in factors):
        got = ", ".join(map(str, factors))
        raise UsageError("factors", got=got, expected="whole numbers of at least 2")
    return sorted(set(factors))


def find_executor(
    executor: str, workers: int | None, address: str | None, gpus: float | None, device: str
) -> Executor:
    """Return this machine or the Ray cluster that is asked for.

    Raises:
        UsageError: for another name than `local` and `ray`, and where `local` is given what only Ray has.
    """
    if executor == "ray":
        return Cluster(workers, address, (1.0 if device == "cuda" else 0.0) if gpus is None else gpus)
    if executor != "local":
        raise UsageError("executor", got=executor, expected="local or ray")
    for name, value in (("address", address), ("gpus-per-worker", gpus)):
        if value is not None:
            raise UsageError(f"{name} {value} needs the executor ray", got=executor)
    return Machine(workers)


def metric_names(names: Sequence[str] | None) -> list[str]:
    """Return the names of metrics, the default ones for None; each can be built.

    Raises:
        UsageError: for an unknown name, or a file that holds no metric.
    """
    _refuse_text("metrics", names)
    for name in names or ():
        METRICS.create(name)
    return list(names or DEFAULT_METRICS)


def checked_redo(text: str | None) -> Redo | None:
    """Return what to compute again.

    Raises:
        UsageError: for anything but `failed`, `all` or None.
    """
    if text not in (None, "failed", "all"):
        raise UsageError("redo", got=text, expected="failed or all")
    return text  # type: ignore[return-value]
