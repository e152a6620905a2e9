"""A run, and a machine of random steps that holds it against the rule of `test_membership`."""

from __future__ import annotations

import itertools
import multiprocessing
import os
import shutil
import signal
import sys
import tempfile
from collections import Counter
from pathlib import Path
from types import FrameType

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from PIL import Image

import bench
from bench.base import files
from bench.base.errors import BenchError
from bench.store import writer
from bench.store.merge import merge
from bench.store.results import Run
from tests.conftest import photo
from tests.fuzz.tables import assert_equal, cells, pictures, printed, table

STEPS = (
    *("helper", "delete", "change", "be refused", "kill", "command", "add", "rename", "damage", "mend"),
    *("weights", "write the same", "command", "helper's comment", "weights moved", "images moved", "merge"),
    *("score", "give all again", "command"),
)
"""Every kind of step: a machine takes each of them, in some order, before it takes one again."""
MEMORY = Path("/dev/shm")
"""A folder where nothing waits for a disk: a process that is killed needs none."""
WRITING = {files.__file__, writer.__file__}
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
OWN = ("mine={0}/mine.py[weights={1}]", "mine={0}/mine.py[weights={1},lift=0.1]")
PLAIN = ("nearest", "bicubic", "soft=bicubic")
COMMANDS = st.fixed_dictionaries(
    {
        "methods": st.tuples(st.sampled_from(OWN), st.sampled_from(PLAIN)) | st.tuples(st.sampled_from(PLAIN)),
        "category": st.sampled_from("tu"),
        "factors": st.sampled_from([[16], [32], [16, 32]]),
        "images": st.sampled_from([None, None, 1, 2]),
        "metrics": st.sampled_from([["psnr"], ["psnr", "lr_psnr"]]),
    }
)
FIRST = {"methods": (OWN[0], "nearest"), "category": "t", "factors": [16], "images": None, "metrics": ["psnr"]}
Command = dict[str, object]
counts: Counter[str] = Counter()


class Machine(RuleBasedStateMachine):
    """Images in two folders, a method of one's own, and one run."""

    def __init__(self) -> None:
        super().__init__()
        self.work = Path(tempfile.mkdtemp(prefix="bench-rule-", dir=MEMORY if MEMORY.is_dir() else None))
        self.run, self.sources = self.work / "run", self.work / "now"
        self.history: list[Command] = []
        self.order: list[str] = []
        self.weights, self.number, self.is_due = self.work / "w0.bin", 0, False
        (self.work / "mine.py").write_text(ADAPTER)
        (self.work / "helper.py").write_text("SCALE = 1.0\n")
        self.weights.write_bytes(b"w" * 90)

    def teardown(self) -> None:
        shutil.rmtree(self.work)
        sys.path[:] = [path for path in sys.path if path != str(self.work)]

    @initialize(order=st.permutations(STEPS))
    def begin(self, order: list[str]) -> None:
        self.order = order
        for path in ("t/a", "t/b", "u/a", "u/b"):
            self.draw(self.sources / f"{path}.png")
        self.give(FIRST)

    @rule(given=COMMANDS, place=st.integers(0, 5), stride=st.integers(20, 40))
    def step(self, given: Command, place: int, stride: int) -> None:
        """Take the next step; most edits are of what a command reads that is given again then."""
        kind = self.order.pop(0)
        self.order.append(kind)
        counts[kind] += 1
        commands = [one for one in self.history if "score" not in one]
        again = commands[place % len(commands)]
        match kind:
            case "command":
                self.give(given)
            case "kill":
                self.kill(given, stride)
            case "be refused":
                self.be_refused(str(again["category"]))
            case "merge":
                self.merge_alone()
            case "score":
                self.give({"score": ["ssim", "lr_psnr"][place % 2]})
            case "give all again":
                self.give_all_again()
            case _:
                self.edit_an_image(kind, self.sources / str(again["category"]), place)
                self.edit_what_else_there_is(kind)
                if place < 4:
                    self.give(again)

    def draw(self, path: Path) -> None:
        self.number += 1
        side = 64 if self.number % 5 else 40
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(photo(self.number, side, side)).save(path)

    def edit_an_image(self, kind: str, folder: Path, place: int) -> None:
        paths = sorted(folder.iterdir())
        path = paths[place % len(paths)]
        whole = self.work / f"{folder.name}-{path.stem}.whole"
        match kind:
            case "add":
                self.draw(folder / f"{'cde'[place % 3]}.png")
            case "change":
                self.draw(path)
            case "delete" if len(paths) > 1:
                path.unlink()
            case "rename":
                path.rename(path.with_stem("abc"[place % 3]))
            case "damage":
                whole.write_bytes(path.read_bytes())
                path.write_bytes(path.read_bytes()[:60])
            case "mend":
                for whole in self.work.glob("*.whole"):
                    shutil.move(whole, (self.sources / whole.stem.replace("-", "/")).with_suffix(".png"))
            case "write the same":
                path.write_bytes(path.read_bytes())

    def edit_what_else_there_is(self, kind: str) -> None:
        self.number += 1
        helper = self.work / "helper.py"
        match kind:
            case "helper":
                helper.write_text(f"SCALE = {1.5 - float(helper.read_text().split()[2])}\n")
            case "helper's comment":
                helper.write_text(f"{helper.read_text().strip()}  # as before\n")
            case "weights moved":
                self.weights = self.weights.rename(self.work / f"w{self.number}.bin")
            case "weights":
                self.weights.write_bytes(b"w" * (170 - self.weights.stat().st_size))
            case "images moved":
                self.sources = self.sources.rename(self.work / f"now{self.number}")

    def give_all_again(self) -> None:
        """Twice: a metric that one command asks for is measured on what the next ones restore. Then begin anew."""
        every = [one for place, one in enumerate(self.history) if one not in self.history[:place]]
        if all(self.give(given) for given in 2 * every):
            fresh = self.fresh()
            assert_equal(table(self.run), table(fresh))
            assert printed(self.run) == printed(fresh)
        shutil.rmtree(self.run)
        self.history = []
        self.give(FIRST)

    def kill(self, given: Command, stride: int) -> None:
        """Give a command of which nothing is done, kill it each time somewhat later, then let it come to its end."""
        for path in (self.sources / str(given["category"])).iterdir():
            self.draw(path)
        for moment in itertools.count(1, stride):
            child = multiprocessing.get_context("fork").Process(target=self.be_killed, args=(given, moment))
            child.start()
            child.join()
            if child.exitcode != -signal.SIGKILL:
                break
            counts["killed"] += 1
        self.give(given)

    def be_killed(self, given: Command, moment: int) -> None:
        """Kill this process where it calls for the so manyth time what writes files or the database."""
        calls = itertools.count(1)

        def watch(frame: FrameType, event: str, _: object) -> None:
            if event == "call" and frame.f_code.co_filename in WRITING and next(calls) == moment:
                os.kill(os.getpid(), signal.SIGKILL)

        sys.setprofile(watch)
        try:
            self.call(given, self.run, self.sources)
        finally:
            os._exit(0)

    def be_refused(self, folder: str) -> None:
        """Another preparation, and other images under a name that the run knows, change nothing."""
        other = self.work / "other"
        other.mkdir(exist_ok=True)
        Image.fromarray(photo(9999)).save(other / "z.png")
        before = pictures(self.run), table(self.run)
        for path in (f"{self.sources / folder}[prepare=squash:32]", str(other)):
            with pytest.raises(BenchError, match="give this one a name of its own"):
                bench.run(["nearest"], [f"{folder}={path}"], factors=[16], metrics=["psnr"], out=self.run)
        assert pictures(self.run) == before[0]
        assert_equal(table(self.run), before[1])

    def merge_alone(self) -> None:
        merged = self.work / "merged"
        merge([self.run], merged)
        assert_equal(table(merged), table(self.run))
        assert printed(merged) == printed(self.run)
        shutil.rmtree(merged)

    def give(self, given: Command) -> bool:
        """Give a command, keep what its source was, and say whether it was taken."""
        before = pictures(self.run)
        try:
            self.call(given, self.run, self.sources)
        except BenchError as error:
            if "give this one a name of its own" not in str(error):
                raise
            counts["refused: moved and changed"] += 1
            return False  # the images were moved and changed before the run saw them again
        self.history.append(given)
        self.is_due = True
        if folder := given.get("category"):
            shutil.rmtree(self.work / "read" / str(folder), ignore_errors=True)
            shutil.copytree(self.sources / str(folder), self.work / "read" / str(folder))
        after = pictures(self.run)
        assert all(after[name] == content for name, content in before.items()), "a picture was lost or changed"
        return True

    def call(self, given: Command, run: Path, sources: Path) -> None:
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
        for given, _ in itertools.groupby(self.history):
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
