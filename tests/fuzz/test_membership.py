"""A run against the rule: its tables are those of a fresh folder in which all its commands are given again, in order.

A machine of random steps adds, deletes, renames, damages and mends images, edits a method's helper, moves its weights,
and gives commands, kills some, scores, merges and reports. The fresh folder is made on what each source was when it was
last read. After every step the run's tables are of the same cells, with the same values of what is restored and
measured; the rest waits for its command to be given again. Once all of them were given again, both are equal. Nothing
on the disk is ever lost.
"""

from __future__ import annotations

import multiprocessing
import os
import shutil
import signal
import sys
import tempfile
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from PIL import Image

import bench
from bench.base.errors import BenchError
from bench.store.merge import merge
from bench.store.results import Run
from reports.data.comparison import Comparison
from reports.data.leaderboard import Leaderboards
from reports.data.scores import Scores
from reports.data.significance import Significance
from tests.conftest import photo

MINUTES = float(os.environ.get("FUZZ_MINUTES", "0"))
MACHINES, STEPS = (50, 40) if MINUTES else (6, 10)
NAMES, FOLDERS = st.sampled_from("abc"), st.sampled_from("tu")
KEY = ["method", "category", "factor", "image", "repeat"]
IMAGE_EDITS = ("add or change", "delete", "rename", "damage", "mend", "write the same")
OTHER_EDITS = ("helper", "helper's comment", "weights", "weights moved", "images moved")
COSTS = {"seconds", "peak_memory_mb", "parameters_m", "gmacs"}
ADAPTER = '''"""A method with a helper and weights beside it."""

from dataclasses import dataclass
from pathlib import Path

import helper

from bench import Method, Restored


class Mine(Method):
    """Enlarge by repetition, darker."""

    name = "mine"

    @dataclass(frozen=True)
    class Options:
        weights: Path | None = None
        lift: float = 0.0

    def restore(self, batch):
        scale = helper.SCALE * self.options.weights.stat().st_size / 100
        sr = batch.lr.repeat_interleave(batch.factor, 2).repeat_interleave(batch.factor, 3)
        return Restored((sr * scale + self.options.lift).clamp(0, 1))
'''
METHODS = (
    "nearest",
    "bicubic",
    "soft=bicubic",
    "mine={0}/mine.py[weights={1}]",
    "mine={0}/mine.py[weights={1},lift=0.1]",
)
steps: Counter[str] = Counter()


def table(run: Path) -> pd.DataFrame:
    """Return what export writes, by what names it: values and how each cell ended, but for costs and for reasons.

    A reason may name the path of an image.
    """
    frame = Run(run).frame
    states = (
        frame[frame["image"].notna()].drop_duplicates(KEY).assign(metric="state", value=np.nan, signature=None)
    )
    values = frame[frame["metric"].notna() & ~frame["metric"].isin(COSTS)]
    return pd.concat([values, states]).set_index([*KEY, "metric"]).sort_index()[["value", "signature", "status"]]


def printed(run: Path) -> list[object]:
    """Return the numbers of the report's leaderboards."""
    comparison = Comparison((Run(run),))
    boards = sorted(Leaderboards(Significance(Scores(comparison))).every, key=lambda board: board.where)
    return [
        (board.where, row.method.label, row.done, row.total, cell.metric.name, cell.value, cell.estimate.n)
        for board in boards
        for row in sorted(board.rows, key=lambda row: row.method.label)
        for cell in row.cells
        if cell.metric.scope != "cost"
    ]


def pictures(run: Path) -> dict[str, bytes]:
    """Return every picture of a run."""
    return {str(path.relative_to(run)): path.read_bytes() for path in run.glob("[hls]r/**/*.png")}


class Machine(RuleBasedStateMachine):
    """Images in two folders, a method of one's own, and one run."""

    def __init__(self) -> None:
        super().__init__()
        self.work = Path(tempfile.mkdtemp(prefix="bench-rule-"))
        self.run, self.sources = self.work / "run", self.work / "now"
        self.history: list[dict[str, object]] = []
        self.weights, self.number, self.is_due = self.work / "w0.bin", 0, False
        self.idle = 0  # steps since a command: no more than two, or hypothesis hardly gives any
        (self.work / "mine.py").write_text(ADAPTER)
        (self.work / "helper.py").write_text("SCALE = 1.0\n")
        self.weights.write_bytes(b"w" * 90)

    def teardown(self) -> None:
        shutil.rmtree(self.work)
        sys.path[:] = [path for path in sys.path if path != str(self.work)]

    @initialize()
    def begin(self) -> None:
        for folder in "tu":
            for name in "ab":
                self.draw(folder, name)

    def draw(self, folder: str, name: str) -> None:
        self.number += 1
        side = 64 if self.number % 5 else 40
        path = self.sources / folder / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(photo(self.number, side, side)).save(path)

    @precondition(lambda self: self.idle < 2)
    @rule(how=st.sampled_from(IMAGE_EDITS), folder=FOLDERS, name=NAMES, new=NAMES)
    def edit_an_image(self, how: str, folder: str, name: str, new: str) -> None:
        self.idle += 1
        self.edit(how, folder, name, new)

    def edit(self, how: str, folder: str, name: str, new: str) -> None:
        steps[how] += 1
        path, whole = self.sources / folder / f"{name}.png", self.work / f"{folder}-{name}.whole"
        match how:
            case "add or change":
                self.draw(folder, name)
            case "mend" if whole.exists():
                shutil.copyfile(whole, path)
            case _ if not path.exists():
                pass
            case "delete" if len(list(path.parent.iterdir())) > 1:
                path.unlink()
            case "rename":
                path.rename(path.with_stem(new))
            case "damage":
                whole.write_bytes(path.read_bytes())
                path.write_bytes(path.read_bytes()[:60])
            case "write the same":
                path.write_bytes(path.read_bytes())

    @precondition(lambda self: self.idle < 2)
    @rule(how=st.sampled_from(OTHER_EDITS), half=st.booleans())
    def edit_what_else_there_is(self, how: str, half: bool) -> None:
        steps[how] += 1
        self.idle += 1
        self.number += 1
        match how:
            case "helper" | "helper's comment":
                comment = "  # as before" if "comment" in how else ""
                (self.work / "helper.py").write_text(f"SCALE = {0.5 if half else 1.0}{comment}\n")
            case "weights moved" | "weights":
                self.weights = self.weights.rename(self.work / f"w{self.number}.bin")
                if how == "weights":
                    self.weights.write_bytes(b"w" * (80 if half else 90))
            case "images moved":
                self.sources = self.sources.rename(self.work / f"now{self.number}")

    @precondition(lambda self: len(self.history) < 6)
    @rule(
        methods=st.lists(
            st.sampled_from(METHODS), min_size=1, max_size=2, unique_by=lambda text: "bicubic" in text or text[:4]
        ),
        category=FOLDERS,
        factors=st.sampled_from([[16], [32], [16, 32]]),
        images=st.sampled_from([None, None, 1, 2]),
        metrics=st.sampled_from([["psnr"], ["psnr", "lr_psnr"]]),
    )
    def command(self, **given: object) -> None:
        steps["command"] += 1
        self.give(given)

    @precondition(lambda self: self.history)
    @rule(place=st.integers(0, 5), how=st.sampled_from(IMAGE_EDITS), name=NAMES, new=NAMES)
    def edit_and_give_again(self, place: int, how: str, name: str, new: str) -> None:
        steps["give one again"] += 1
        self.give(self.edited(place, how, name, new))

    def edited(self, place: int, how: str, name: str, new: str) -> dict[str, object]:
        """Return a command that was given, after an edit of an image that it reads."""
        given = self.history[place % len(self.history)]
        if folder := given.get("category"):
            self.edit(how, str(folder), name, new)
        return given

    @precondition(lambda self: self.history)
    @rule(metric=st.sampled_from(["ssim", "lr_psnr"]))
    def score(self, metric: str) -> None:
        steps["score"] += 1
        self.give({"score": metric})

    @precondition(lambda self: self.history)
    @rule()
    def give_all_again(self) -> None:
        """Twice: a metric that one command asks for is measured on what the next ones restore. Then begin anew."""
        steps["give all again"] += 1
        for given in 2 * [one for place, one in enumerate(self.history) if one not in self.history[:place]]:
            self.give(given)
        fresh = self.fresh()
        assert_equal(table(self.run), table(fresh))
        assert printed(self.run) == printed(fresh)
        shutil.rmtree(self.run)
        self.history, self.is_due = [], False

    @precondition(lambda self: self.history)
    @rule(
        place=st.integers(0, 5),
        how=st.sampled_from(IMAGE_EDITS),
        name=NAMES,
        new=NAMES,
        moment=st.floats(0, 0.4),
    )
    def kill(self, place: int, how: str, name: str, new: str, moment: float) -> None:
        steps["kill"] += 1
        given = self.edited(place, how, name, new)
        child = multiprocessing.get_context("fork").Process(target=self.end_with, args=(given,))
        child.start()
        child.join(moment)
        if child.exitcode is None:
            steps["killed at work"] += 1
            os.kill(child.pid, signal.SIGKILL)
        child.join()
        self.give(given)

    def end_with(self, given: dict[str, object]) -> None:
        try:
            self.call(given, self.run, self.sources)
        finally:
            os._exit(0)

    @precondition(lambda self: self.history and self.idle < 2)
    @rule(folder=FOLDERS)
    def be_refused(self, folder: str) -> None:
        """Another preparation, and other images under a name that the run knows, change nothing."""
        steps["be refused"] += 1
        self.idle += 1
        other = self.work / "other"
        other.mkdir(exist_ok=True)
        Image.fromarray(photo(9999)).save(other / "z.png")
        before = pictures(self.run), table(self.run)
        known = [category.name for category in Run(self.run).categories]
        for path in (f"{self.sources / folder}[prepare=squash:32]", str(other)):
            if folder in known and any(image.category == folder for image in Run(self.run).images):
                with pytest.raises(BenchError, match="give this one a name of its own"):
                    bench.run(["nearest"], [f"{folder}={path}"], factors=[16], metrics=["psnr"], out=self.run)
        assert pictures(self.run) == before[0]
        assert_equal(table(self.run), before[1])

    @precondition(lambda self: self.history and self.idle < 2)
    @rule()
    def merge_alone(self) -> None:
        steps["merge"] += 1
        self.idle += 1
        merged = self.work / "merged"
        merge([self.run], merged)
        assert_equal(table(merged), table(self.run))
        assert printed(merged) == printed(self.run)
        shutil.rmtree(merged)

    def give(self, given: dict[str, object]) -> None:
        """Give a command, and keep what its source was."""
        self.idle = 0
        before = pictures(self.run)
        try:
            self.call(given, self.run, self.sources)
        except BenchError as error:
            if "give this one a name of its own" not in str(error):
                raise
            return  # the images were moved and changed before the run saw them again
        self.history.append(given)
        self.is_due = True
        if folder := given.get("category"):
            shutil.rmtree(self.work / "read" / str(folder), ignore_errors=True)
            shutil.copytree(self.sources / str(folder), self.work / "read" / str(folder))
        after = pictures(self.run)
        assert all(after[name] == content for name, content in before.items()), "a picture was lost or changed"

    def call(self, given: dict[str, object], run: Path, sources: Path) -> None:
        sys.modules.pop("helper", None)
        if metric := given.get("score"):
            bench.score(run, [str(metric)], device="cpu")
            return
        texts = [str(text).format(self.work, self.weights) for text in given["methods"]]  # type: ignore[attr-defined]
        categories = [f"{given['category']}={sources / str(given['category'])}"]
        rest = {name: given[name] for name in ("factors", "images", "metrics")}
        bench.run(texts, categories, device="cpu", threads=1, out=run, **rest)

    def fresh(self) -> Path:
        """Return a fresh folder in which all commands were given, on what the sources were when they were last read."""
        folder = self.work / "fresh"
        shutil.rmtree(folder, ignore_errors=True)
        for given in self.history:
            self.call(given, folder, self.work / "read")
        return folder

    @invariant()
    def every_table_is_the_fresh_one_but_for_what_is_pending(self) -> None:
        """A metric is measured on the cells that there are: the fresh folder has it of all, the run of some."""
        if not (self.is_due and self.history):
            return
        self.is_due = False
        fresh = self.fresh()
        if (mine := table(self.run)).equals(table(fresh)):
            assert not MINUTES or printed(self.run) == printed(fresh)
            return
        asked = {metric for given in self.history for metric in given.get("metrics", [given.get("score")])}  # type: ignore[attr-defined]
        bench.score(fresh, sorted(asked), device="cpu")
        theirs = table(fresh)
        assert cells(mine) == cells(theirs), "the tables are of other cells"
        now = {method.label: method.identity for method in Run(fresh).methods}
        edited = [method.label for method in Run(self.run).methods if now.get(method.label) != method.identity]
        shown = mine[(mine["status"] != "pending") & ~mine.index.get_level_values("method").isin(edited)]
        assert shown.index.isin(theirs.index).all(), shown[~shown.index.isin(theirs.index)]
        assert_equal(shown, theirs.loc[shown.index])


def cells(frame: pd.DataFrame) -> set[object]:
    """Return the cells of a table, restored or not."""
    return {key[:-1] for key in frame.index if key[-1] == "state"}


def assert_equal(one: pd.DataFrame, other: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(one, other, check_exact=True)


def test_tables_are_those_of_a_fresh_folder(in_process):
    checks = settings(
        max_examples=MACHINES,
        stateful_step_count=STEPS,
        deadline=None,
        database=None,
        derandomize=not MINUTES,
        print_blob=False,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(Machine, settings=checks)
    if MINUTES:
        print(f"\n{steps.total()} steps: {dict(steps.most_common())}")  # noqa: T201
