"""The restore stage: which cells are due, each restored once, each written the moment it is done."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from bench.base import options
from bench.base.errors import one_line
from bench.base.metric import Better
from bench.base.progress import Reporter
from bench.base.seeds import image_seed
from bench.base.types import Cell
from bench.categories.category import CategorySource
from bench.images import previews
from bench.images.png import pixel_digest, save_png
from bench.metrics.cost import COSTS
from bench.pipeline import inputs
from bench.pipeline.inputs import Input
from bench.registry.methods import Selected
from bench.store.store import Redo, Score, Status, Store
from bench.workers import Executor, Outcome, Settings, Task
from bench.workers.sandbox import sandbox


@dataclass(frozen=True)
class Request:
    """What one `bench run` asks for."""

    methods: Sequence[Selected]
    sources: Sequence[CategorySource]
    factors: Sequence[int]
    images: int | None
    seed: int
    repeats: int
    redo: Redo | None
    settings: Settings
    executor: Executor


class PendingCell(NamedTuple):
    """A cell to restore."""

    input: Input
    repeat: int


def restore(store: Store, request: Request, reporter: Reporter) -> Counter[Status]:
    """Make the inputs, restore every cell that is due, and count how all the asked cells ended."""
    found = [
        one
        for source in request.sources
        for one in inputs.prepare(store, source, request.images, sorted(request.factors), reporter)
    ]
    counts: Counter[Status] = Counter()
    for selected in request.methods:
        restoration = Restoration(store, request, selected, register(store, selected))
        for sentence in restoration.unmatched_warnings(found):
            reporter.say(f"{selected.label}: {sentence}")
        restoration.restore(restoration.plan(found), reporter)
        counts += restoration.count(found)
    return counts


def register(store: Store, selected: Selected) -> int:
    """Write a method's row and return its id; an edited method is a new row with a slug of its own."""
    method, identity = selected.method, selected.identity
    known = store.rows("SELECT slug FROM methods WHERE identity = ?", identity)
    taken = store.rows("SELECT 1 FROM methods WHERE slug = ? AND identity != ?", selected.slug, identity)
    free = f"{selected.slug}-{identity[:6]}" if taken else selected.slug
    earlier = "label = ? AND identity != ? AND is_current"
    with store.transaction():
        if store.rows(f"SELECT 1 FROM methods WHERE {earlier}", selected.label, identity):
            retire = f"UPDATE methods SET is_current = 0 WHERE {earlier}"
            store.connection.execute(retire, [selected.label, identity])
        return store.upsert(
            "methods",
            {"identity": identity},
            {
                "name": method.name,
                "label": selected.label,
                "slug": known[0]["slug"] if known else free,
                "title": method.title or selected.label,
                "options": json.dumps(options.describe(method.options), sort_keys=True),
                "sees_hr": int(method.sees_hr),
                "training_metrics": json.dumps(list(method.training_metrics)),
                "notes": method.notes,
                "is_current": 1,
            },
        )


@dataclass(frozen=True)
class Restoration:
    """One method's part of a run."""

    store: Store
    request: Request
    selected: Selected
    method_id: int

    def unmatched_warnings(self, found: Sequence[Input]) -> Sequence[str]:
        """Return what a method that takes images from elsewhere has to say of those that it lacks."""
        with sandbox():
            return self.selected.method.unmatched_warnings(
                [Cell(one.category.name, one.factor, one.image) for one in found]
            )

    def plan(self, found: Sequence[Input]) -> list[PendingCell]:
        """Return the cells that are due, and write the rows of those that cannot be restored."""
        states, due = self._states(), []
        with sandbox():
            refusals = [self._refusal(one) for one in found]
        with self.store.transaction():
            for one, refusal in zip(found, refusals, strict=True):
                for cell in (PendingCell(one, repeat) for repeat in range(self.request.repeats)):
                    if refusal:
                        self._write_cell(cell, refusal)
                    elif self._is_due(cell, states.get((one.id, cell.repeat))):
                        due.append(cell)
        return due

    def _states(self) -> dict[tuple[int, int], Status]:
        query = "SELECT input_id, repeat, status FROM cells WHERE method_id = ?"
        rows = self.store.rows(query, self.method_id)
        return {(row["input_id"], row["repeat"]): Status(row["status"]) for row in rows}

    def _is_due(self, cell: PendingCell, state: Status | None) -> bool:
        match state:
            case None | Status.SKIPPED:
                return True
            case Status.DONE:
                return self.request.redo == "all" or not self._sr_path(cell).is_file()
            case _:
                return self.request.redo is not None

    def _refusal(self, one: Input) -> Outcome | None:
        """Return why a cell cannot be restored: its image is unusable, or the method does not support it."""
        if one.problem:
            return Outcome(Status.ERROR, one.problem)
        if self.selected.method.needs.gpu and self.request.settings.device == "cpu":
            return Outcome(Status.SKIPPED, "it needs a GPU, and the device of this run is the CPU")
        if self._sees_hr and not one.has_hr:
            return Outcome(Status.SKIPPED, "it needs the ground truth, which an LR-only category does not have")
        try:
            reason = self.selected.method.supports(one.lr_size, one.hr_size, one.factor, one.category)
        except Exception as error:
            return Outcome(Status.ERROR, f"supports() failed: {one_line(error)}")
        return Outcome(Status.SKIPPED, str(reason)) if reason else None

    def restore(self, due: Sequence[PendingCell], reporter: Reporter) -> None:
        """Restore the cells that are due."""
        tasks = {self._task(cell): cell for cell in due}
        with reporter.stage(self.selected.label, len(due)) as stage:
            settings = self.request.settings._replace(needs=self.selected.method.needs)
            for task, outcome in self.request.executor(self.selected.text, tasks, settings):
                self._keep(tasks[task], outcome)
                told = f"{outcome.costs['seconds']:.2f} s" if outcome.costs else outcome.reason
                stage.advance(f"{task.category.name}/{task.image} x{task.factor}: {outcome.status}, {told}")

    @property
    def _sees_hr(self) -> bool:
        return self.selected.method.sees_hr

    def _task(self, cell: PendingCell) -> Task:
        one, layout = cell.input, self.store.layout
        return Task(
            lr=layout.lr(one.category.name, one.image, one.factor).resolve(),
            lr_size=one.lr_size,
            hr=layout.hr(one.category.name, one.image).resolve() if self._sees_hr else None,
            factor=one.factor,
            image=one.image,
            seed=image_seed(self.request.seed, one.digest, cell.repeat),
            category=one.category,
        )

    @cached_property
    def _slug(self) -> str:
        return str(self.store.rows("SELECT slug FROM methods WHERE id = ?", self.method_id)[0]["slug"])

    def _sr_path(self, cell: PendingCell) -> Path:
        one = cell.input
        return self.store.layout.sr(self._slug, one.category.name, one.image, one.factor, cell.repeat)

    def _keep(self, cell: PendingCell, outcome: Outcome) -> None:
        """Save what a restored cell left, the PNG first."""
        if outcome.pixels is not None:
            path = self._sr_path(cell)
            save_png(outcome.pixels, path)
            previews.write(previews.of_sr(self.store.layout, path, cell.input.factor), outcome.pixels)
        with self.store.transaction():
            cell_id = self._write_cell(cell, outcome)
            self.store.connection.execute("DELETE FROM scores WHERE cell_id = ?", [cell_id])
            self.store.insert_scores(self._costs(cell_id, outcome))

    def _write_cell(self, cell: PendingCell, outcome: Outcome) -> int:
        digest = pixel_digest(outcome.pixels) if outcome.pixels is not None else None
        return self.store.upsert(
            "cells",
            {"method_id": self.method_id, "input_id": cell.input.id, "repeat": cell.repeat},
            {"status": str(outcome.status), "reason": outcome.reason, "digest": digest},
        )

    def _costs(self, cell: int, outcome: Outcome) -> list[Score]:
        scores = []
        for cost in COSTS:
            if cost.name in outcome.costs:
                metric = self.store.metric(cost.name, cost.signature, cost.better, "cost", cost.unit)
                scores.append(Score(cell, metric, outcome.costs[cost.name]))
        for name, value in outcome.values.items():
            named = f"{self.selected.method.name}:{name}"
            metric = self.store.metric(named, "recorded by the method", Better.HIGHER, "value", "")
            scores.append(Score(cell, metric, value))
        return scores

    def count(self, found: Sequence[Input]) -> Counter[Status]:
        """Count how the asked cells ended."""
        asked = {(one.id, repeat) for one in found for repeat in range(self.request.repeats)}
        return Counter(status for key, status in self._states().items() if key in asked)
