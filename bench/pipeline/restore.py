"""The restore stage: which cells are pending, each restored once, each written the moment it is done."""

from collections import Counter, defaultdict
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from bench.base.errors import located
from bench.base.metric import Better
from bench.base.progress import Reporter
from bench.base.seeds import image_seed
from bench.base.types import Category, Cell, Size
from bench.images import previews
from bench.images.png import pixel_digest, save_png
from bench.pipeline.inputs import make_inputs
from bench.pipeline.membership import ask
from bench.pipeline.plan import Plan
from bench.pipeline.references import References, save_references
from bench.registry.methods import Selected
from bench.store.layout import file_of_repeat, png_stems
from bench.store.records import COSTS, InputRecord, MetricRecord, Status
from bench.store.rows import CellRow, Score
from bench.store.store import Store
from bench.workers.jobs import Outcome, Task
from bench.workers.pool import Pool
from bench.workers.roles import restorer
from bench.workers.sandbox import sandbox

TIMED, TIMED_SECONDS = 3, 60.0
"""How many images of a category and factor are timed, after the first; one, where that takes so long."""
BESIDE = "other work of the suite ran beside it"


class PendingCell(NamedTuple):
    """A cell to restore."""

    input: InputRecord
    repeat: int
    is_counted: bool
    """Whether operations are counted: in the first image of a category, factor and size."""


def restore(store: Store, plan: Plan, reporter: Reporter) -> Counter[Status]:
    """Make the inputs of what the plan asks for, restore every pending cell, and count how all of them ended."""
    methods = ask(store, plan, reporter)
    of_categories = (make_inputs(store, source, plan.images, plan.factors, reporter) for source in plan.sources)
    inputs = [*chain.from_iterable(of_categories)]
    see_references = any(selected.method.sees_references for selected in plan.methods)
    references = save_references(store, plan.sources, inputs, plan.seed) if see_references else {}
    counts: Counter[Status] = Counter()
    for selected, (method_id, slug) in zip(plan.methods, methods, strict=True):
        seen = references if selected.method.sees_references else {}
        restoration = Restoration(store, plan, selected, method_id, slug, seen)
        for sentence in restoration.unmatched_warnings(inputs):
            reporter.say(f"{selected.label}: {sentence}")
        restoration.restore(restoration.pending_cells(inputs), reporter)
        counts += restoration.count(inputs)
    return counts


@dataclass(frozen=True)
class Restoration:
    """One method's part of a run."""

    store: Store
    plan: Plan
    selected: Selected
    method_id: int
    slug: str
    references: Mapping[tuple[str, str], References]
    """By category and image, where the method sees any."""

    def unmatched_warnings(self, inputs: Sequence[InputRecord]) -> Sequence[str]:
        """Return what a method that takes images from elsewhere has to say of those that it lacks."""
        cells = [Cell(record.category, record.factor, record.image) for record in inputs]
        with sandbox():
            return self.selected.method.unmatched_warnings(cells)

    def pending_cells(self, inputs: Sequence[InputRecord]) -> list[PendingCell]:
        """Return the cells to restore, and write the rows of those that cannot be restored."""
        statuses, pending = self.store.statuses(self.method_id), []
        where = {(record.category, record.factor) for record in inputs}
        restored = {key: png_stems(self.store.layout.sr_folder(self.slug, *key)) for key in where}
        with sandbox():
            refusals = [self._refusal(record) for record in inputs]
        # From the last to the first, which stays.
        counted = {
            _size(record): record for record, refusal in [*zip(inputs, refusals, strict=True)][::-1] if not refusal
        }
        with self.store.transaction():
            for record, refusal in zip(inputs, refusals, strict=True):
                is_first = counted.get(_size(record)) is record
                for repeat in range(self.plan.repeats):
                    cell = PendingCell(record, repeat, is_first and repeat == 0)
                    status = statuses.get((record.input_id, repeat))
                    if refusal:
                        cell_id = self._write_cell(cell, refusal)
                        if status in {Status.DONE, Status.PENDING}:
                            self.store.delete_scores(cell_id)
                    elif self._is_pending(cell, status, restored[record.category, record.factor]):
                        pending.append(cell)
        return pending

    def _is_pending(self, cell: PendingCell, status: Status | None, restored: Container[str]) -> bool:
        """Say whether to restore a cell; `restored` are the images in the folder of its result."""
        match status:
            case None | Status.SKIPPED | Status.PENDING:
                return True
            case Status.DONE:
                is_there = file_of_repeat(cell.input.file or cell.input.image, cell.repeat) in restored
                return self.plan.redo == "all" or not is_there
            case _:
                return self.plan.redo is not None

    def _refusal(self, record: InputRecord) -> Outcome | None:
        """Return why a cell cannot be restored: its image is unusable, or the method does not support it."""
        method = self.selected.method
        if record.problem:
            return Outcome(Status.ERROR, record.problem)
        if method.needs.gpu and self.plan.settings.device == "cpu":
            return Outcome(Status.SKIPPED, "it needs a GPU, and the device of this run is the CPU")
        if method.sees_hr and not record.has_hr:
            return Outcome(Status.SKIPPED, "it needs the ground truth, which an LR-only category does not have")
        if method.sees_references and not self._references(record).paths:
            missing = "it needs reference images, and the category names none: CATEGORY[references=same] or =PATH"
            problem = self._references(record).problem
            return Outcome(Status.ERROR, problem) if problem else Outcome(Status.SKIPPED, missing)
        category = Category(record.category, record.kind)
        try:
            reason = method.supports(record.lr_size, record.hr_size, record.factor, category)
        except Exception as error:
            return Outcome(Status.ERROR, f"supports() failed: {located(error)}")
        return Outcome(Status.SKIPPED, str(reason)) if reason else None

    def restore(self, pending: Sequence[PendingCell], reporter: Reporter) -> None:
        """Restore cells, in whichever order the workers finish them."""
        if pending:
            self._restore(pending, reporter)
        with self.store.transaction():
            self.store.settle_times(self.method_id)
            self.store.inherit_counts(self.method_id)

    def _restore(self, pending: Sequence[PendingCell], reporter: Reporter) -> None:
        tasks = {self._task(cell): cell for cell in pending}
        settings = self.plan.settings._replace(needs=self.selected.method.needs)
        with (
            self.plan.executor.pool(restorer(self.selected.text), settings, len(pending)) as pool,
            reporter.stage(self.selected.label, len(pending)) as advance,
        ):
            for task, outcome in in_turn(pool, sorted(tasks, key=_length, reverse=True)):
                self._keep(tasks[task], outcome)
                advance(f"{task.category.name}/{task.image} x{task.factor}: {outcome.status}, {_result(outcome)}")

    def _task(self, cell: PendingCell) -> Task:
        record, layout = cell.input, self.store.layout
        file = record.file or record.image
        hr = layout.hr(record.category, file).resolve() if self.selected.method.sees_hr else None
        return Task(
            lr=layout.lr(record.category, file, record.factor).resolve(),
            lr_size=record.lr_size,
            hr=hr,
            factor=record.factor,
            image=record.image,
            seed=image_seed(self.plan.seed, record.digest or "", cell.repeat),
            category=Category(record.category, record.kind),
            references=self._references(record).paths,
            is_counted=cell.is_counted,
        )

    def _references(self, record: InputRecord) -> References:
        return self.references.get((record.category, record.image), References())

    def _sr_path(self, cell: PendingCell) -> Path:
        where = (cell.input.category, cell.input.file or cell.input.image, cell.input.factor, cell.repeat)
        return self.store.layout.sr(self.slug, *where)

    def _keep(self, cell: PendingCell, outcome: Outcome) -> None:
        """Save what a restored cell left, the PNG first."""
        if outcome.pixels is not None:
            path = self._sr_path(cell)
            save_png(outcome.pixels, path)
            previews.write(previews.of_sr(self.store.layout, path, cell.input.factor), outcome.pixels)
        with self.store.transaction():
            cell_id = self._write_cell(cell, outcome)
            self.store.delete_scores(cell_id)
            self.store.write_scores([*self._scores(cell_id, outcome)])

    def _write_cell(self, cell: PendingCell, outcome: Outcome) -> int:
        digest = pixel_digest(outcome.pixels) if outcome.pixels is not None else None
        key = (self.method_id, cell.input.input_id, cell.repeat)
        seen = self._references(cell.input).digest if digest else None
        return self.store.write_cell(CellRow(*key, outcome.status, outcome.reason, digest, seen))

    def _scores(self, cell_id: int, outcome: Outcome) -> Iterator[Score]:
        """Yield what the worker measured and what the method recorded about itself."""
        for cost in (cost for cost in COSTS if cost.name in outcome.costs):
            doubt = outcome.doubt if cost.name == "seconds" else None
            yield Score(cell_id, self.store.register_metric(cost), outcome.costs[cost.name], doubt)
        for key, value in outcome.values.items():
            name = f"{self.selected.method.name}:{key}"
            metric = MetricRecord(name, name, "recorded by the method", Better.HIGHER, "value", "")
            yield Score(cell_id, self.store.register_metric(metric), value)

    def count(self, inputs: Sequence[InputRecord]) -> Counter[Status]:
        """Count how the asked cells ended."""
        asked = {(record.input_id, repeat) for record in inputs for repeat in range(self.plan.repeats)}
        statuses = self.store.statuses(self.method_id)
        return Counter(status for key, status in statuses.items() if key in asked)


def in_turn(pool: Pool, tasks: Iterable[Task]) -> Iterator[tuple[Task, Outcome]]:
    """Restore the first tasks of each category and factor alone, so that they can be timed, then the others.

    While one is alone nothing else of the suite runs: no other worker, and nothing that the caller does with an
    outcome. The others run beside each other and beside that, and their seconds do not count.
    """
    spent: dict[tuple[str, int], list[float]] = defaultdict(list)
    others = []
    for task in tasks:
        alone = spent[task.category.name, task.factor]
        if len(alone) <= TIMED and sum(alone[1:]) <= TIMED_SECONDS:
            outcome = pool.ask(task)
            alone.append(outcome.costs.get("seconds", 0.0))
            yield task, outcome
        else:
            others.append(task)
    for task, outcome in pool.work(others):
        yield task, outcome._replace(doubt=outcome.doubt or (BESIDE if outcome.costs else None))


def _length(task: Task) -> tuple[int, int]:
    """Order tasks by how long they take: by the pixels of the result, then of the LR."""
    pixels = task.lr_size[0] * task.lr_size[1]
    return pixels * task.factor**2, pixels


def _size(record: InputRecord) -> tuple[str, int, Size]:
    return record.category, record.factor, record.lr_size


def _result(outcome: Outcome) -> str | None:
    if not outcome.costs:
        return outcome.reason or "taken as it is"
    doubt = f" ({outcome.doubt})" if outcome.doubt else ""
    return f"{outcome.costs['seconds']:.2f} s{doubt}"
