"""The loop on a small network that has nothing to do with GLEAN: resuming, stopping, averaging, judging."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
from dataclasses import asdict
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from accelerate.state import AcceleratorState
from torch import nn

from bench.base.errors import MethodError, StoreError
from methods.shared.training import loop as loops
from methods.shared.training import plan_stages
from methods.shared.training import state as states
from methods.shared.training.loop import Loop
from methods.shared.training.recipe import Recipe, Stage, Terms
from methods.shared.training.sample_grid import SampleGrid
from methods.shared.training.step import Step

pytestmark = pytest.mark.usefixtures("no_curves_picture")


class Line(Recipe):
    """Fits a line to noisy points; every step's points follow its number."""

    identity = "a line"
    adversarial_weight = 0.1

    def __init__(self, stages: list[Stage], adversarial: bool = False) -> None:
        torch.manual_seed(0)
        self.network = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 1))
        self.discriminator = nn.Linear(1, 1) if adversarial else None
        self.stages = stages
        self.losses: list[tuple[int, float]] = []
        self.poison = -1
        self.begins = 0

    def begin(self) -> None:
        self.begins += 1

    def terms(self, network: nn.Module, stage: Stage, step: Step) -> Terms:
        generator = torch.Generator().manual_seed(step.number)
        x = torch.randn(stage.batch, 4, generator=generator)
        made, wanted = network(x), x.sum(1, keepdim=True)
        loss = (made - wanted).square().mean()
        self.losses.append((step.number, float(loss.detach())))
        poisoned = loss * float("nan") if step.number == self.poison else 0.01 * made.abs().mean()
        return Terms({"square": loss, "size": poisoned}, *((made, wanted) if stage.adversarial else ()))

    def validate(self, stage: Stage) -> SampleGrid:
        return SampleGrid([torch.zeros(2, 3, 4, 4)], {"weight": float(self.network[0].weight.sum())})

    def export(self, weights, path: Path, history) -> None:
        path.write_text(json.dumps(history))


def stages(first: int = 40, second: int = 60) -> list[Stage]:
    return [Stage("one", first, 8, 1e-2), Stage("two", second, 8, 1e-2)]


def run(recipe: Line, out: Path) -> Line:
    Loop(recipe, out, cpu=True).run()
    return recipe


def test_next_50_losses_after_an_interruption_are_the_uninterrupted_ones(tmp_path, monkeypatch):
    whole = run(Line(stages()), tmp_path / "whole")

    class Killed(Exception):
        pass

    cut = Line(stages())
    plain = cut.terms

    def until_50(*given):
        if given[2].number == 49:
            monkeypatch.setattr(loops, "SAVE_SECONDS", -1.0)  # one save, when this step is done
        if given[2].number == 50:
            raise Killed
        return plain(*given)

    cut.terms = until_50
    with pytest.raises(Killed):
        run(cut, tmp_path / "cut")
    resumed = run(Line(stages()), tmp_path / "cut")
    assert resumed.begins == 0
    assert [step for step, _ in resumed.losses] == list(range(50, 100))
    for (_, again), (_, once) in zip(resumed.losses, whole.losses[50:], strict=True):
        assert again == pytest.approx(once, rel=1e-4)
    assert len({loss for _, loss in whole.losses}) == 100  # it moves, so equality says something


KILLED = """
import sys, time
from pathlib import Path
from tests.methods.shared.training import test_loop as t

def say(what, total):
    print(what, total, time.monotonic(), flush=True)

class Told(t.Line):
    def terms(self, network, stage, step):
        say("step", step.number)
        return super().terms(network, stage, step)

def save(state, path, plain=t.states.save):
    say("save", state.total)
    plain(state, path)
    say("kept", state.total)

t.states.save, t.loops.SAVE_SECONDS = save, 0.2
t.run(Told([t.Stage("one", 10**6, 8, 1e-2)]), Path(sys.argv[1]))
"""


def test_a_kill_costs_at_most_what_was_done_since_the_last_save(tmp_path):
    command = [sys.executable, "-c", KILLED, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        lines = [process.stdout.readline()]
        while sum(line.startswith("kept") for line in lines) < 5 and lines[-1]:
            lines.append(process.stdout.readline())
        os.kill(process.pid, signal.SIGKILL)
        lines += process.stdout.readlines()
    told = [
        (what, int(total), float(at)) for what, total, at in (line.split() for line in lines if line[-1:] == "\n")
    ]
    kept = states.load(tmp_path / "state.pt", "a line")
    assert kept is not None
    ends = [(total, at) for what, total, at in told if what == "kept"]
    assert len(ends) >= 5
    assert kept.total >= ends[-1][0]
    longest = max(after[2] - before[2] for before, after in pairwise(told))
    begins = [at for what, _, at in told if what == "save"][1:]
    for (_, end), begin in zip(ends, [*begins, told[-1][2]], strict=False):
        assert begin - end < 0.2 + 2 * longest


REMEDIES = {
    "a state before it": (0, 17, r"the last good state, of step 12, is kept; give the same command with a lower"),
    "the state right before it": (-1.0, 17, r"step 17, is kept, but the same step would follow it; name another"),
    "no state": (60.0, 17, r"no state is kept yet; give the same command with a lower --rate"),
}


@pytest.mark.parametrize("case", REMEDIES)
def test_a_loss_that_is_not_finite_stops_and_is_named(case, tmp_path, monkeypatch):
    seconds, poison, remedy = REMEDIES[case]
    poisoned = Line(stages())
    poisoned.poison = poison
    plain = poisoned.terms

    def terms(*given):
        if seconds == 0:
            monkeypatch.setattr(loops, "SAVE_SECONDS", -1.0 if given[2].number == 11 else 60.0)
        return plain(*given)

    poisoned.terms = terms
    monkeypatch.setattr(loops, "SAVE_SECONDS", seconds)
    with pytest.raises(MethodError, match=rf"step 17: the loss 'size' is not finite.*{remedy}"):
        run(poisoned, tmp_path)
    kept = states.load(tmp_path / "state.pt", "a line")
    assert (kept is None) == (case == "no state")
    if kept is not None:
        assert all(torch.isfinite(value).all() for value in kept.network.values())
        assert run(Line(stages()), tmp_path).losses[0][0] == kept.total


def test_a_training_that_diverged_goes_on_with_the_remedy(tmp_path, monkeypatch):
    monkeypatch.setattr(loops, "SAVE_SECONDS", -1.0)
    run(Line(stages(4)[:1]), tmp_path)
    steep = [Stage("one", 4, 8, 1e-2), Stage("two", 60, 8, 1e25)]
    monkeypatch.setattr(loops, "SAVE_SECONDS", 60.0)
    with pytest.raises(MethodError, match=r"of step 4, is kept; give the same command with a lower --rate"):
        run(Line(steep), tmp_path)
    lowered = run(Line(plan_stages(steep, {}, 1e-27)), tmp_path)
    assert [step for step, _ in lowered.losses] == list(range(4, 64))
    assert lowered.losses[-1][1] < lowered.losses[0][1]


def test_a_full_disk_leaves_the_state_before(tmp_path, monkeypatch):
    state = states.State("a line", total=5, network={"w": torch.ones(2)})
    states.save(state, tmp_path / "state.pt")
    before = (tmp_path / "state.pt").read_bytes()

    def full(path: Path, content: bytes) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(states, "write_atomically", full)
    with pytest.raises(StoreError, match="No space left on device; make room"):
        states.save(state, tmp_path / "state.pt")
    assert (tmp_path / "state.pt").read_bytes() == before


def test_a_state_of_something_else_is_refused(tmp_path):
    line = Line([Stage("one", 1, 2, 1e-2)])
    Loop(line, tmp_path, cpu=True, origin=["from weights 12", "with no images"]).run()
    with pytest.raises(
        StoreError, match="got a line; from weights 12, expected a curve; from random weights; give"
    ):
        states.load(tmp_path / "state.pt", "a curve; from random weights; with no images")
    with pytest.raises(StoreError, match="got from weights 12, expected from random weights; give the command"):
        Loop(line, tmp_path, cpu=True, origin=["from random weights", "with no images"])
    (tmp_path / "state.pt").write_bytes((tmp_path / "state.pt").read_bytes()[:300])
    with pytest.raises(StoreError, match="is not a training's state"):
        states.load(tmp_path / "state.pt", "a line")


def test_saving_copies_no_tensor_and_an_older_state_is_read(tmp_path, monkeypatch):
    state = states.State("a line", total=5, network={"w": torch.ones(2)})
    torch.save(asdict(state), tmp_path / "older.pt")  # as earlier versions wrote it
    monkeypatch.setattr(torch.Tensor, "__deepcopy__", None)
    states.save(state, tmp_path / "now.pt")
    now, older = (states.load(tmp_path / name, "a line") for name in ("now.pt", "older.pt"))
    assert vars(now).keys() == vars(older).keys()
    assert torch.equal(now.network["w"], older.network["w"])
    assert now.total == older.total == 5


def test_what_a_killed_write_left_behind_is_cleared(tmp_path):
    (tmp_path / ".state.pt.0123abcd.part").write_bytes(b"half")
    run(Line([Stage("one", 1, 2, 1e-2)]), tmp_path)
    assert not list(tmp_path.glob("*.part")) + list(tmp_path.glob(".*.part"))


def test_the_average_follows_the_weights(tmp_path, monkeypatch):
    seen: list[torch.Tensor] = []

    class Watched(Line):
        def terms(self, *given):
            seen.append(self.network[0].weight.detach().clone())
            return super().terms(*given)

    watched = Watched([Stage("one", 40, 4, 1e-2)])
    run(watched, tmp_path)
    weights = [*seen[1:], watched.network[0].weight.detach()]  # after each of the five steps
    expected = seen[0].double()
    for step, weight in enumerate(weights, 1):
        decay = min(0.999, 1 - 10 / 40, (1 + step) / (20 + step))
        expected = decay * expected + (1 - decay) * weight.double()
    kept = states.load(tmp_path / "state.pt", "a line")
    assert kept is not None
    torch.testing.assert_close(kept.average["0.weight"].double(), expected, rtol=1e-5, atol=1e-7)


def test_the_adversarial_stage_trains_both_and_resumes(tmp_path, monkeypatch):
    monkeypatch.setattr(loops, "SAVE_SECONDS", -1.0)
    stage = [Stage("fight", 12, 8, 1e-2, adversarial=True)]
    whole = run(Line(stage, adversarial=True), tmp_path / "whole")
    assert whole.discriminator is not None
    torch.manual_seed(0)
    untrained = Line(stage, adversarial=True).discriminator
    assert untrained is not None
    assert not torch.equal(whole.discriminator.weight, untrained.weight)
    cut = Line(stage, adversarial=True)
    cut.poison = 6
    with pytest.raises(MethodError):
        run(cut, tmp_path / "cut")
    resumed = run(Line(stage, adversarial=True), tmp_path / "cut")
    assert [loss for _, loss in resumed.losses] == pytest.approx([loss for _, loss in whole.losses[6:]], rel=1e-4)
    torch.testing.assert_close(resumed.discriminator.weight, whole.discriminator.weight, rtol=1e-4, atol=1e-6)


def test_the_discriminator_rests_where_another_process_has_nothing_to_judge(tmp_path, monkeypatch):
    """It would wait for that process for ever."""
    for others, moves in ((True, True), (False, False)):
        line = Line([Stage("fight", 3, 8, 1e-2, adversarial=True)], adversarial=True)
        loop = Loop(line, tmp_path / str(others), cpu=True)
        gathered = lambda here, others=others: torch.cat([here, torch.tensor([others])])  # noqa: E731
        monkeypatch.setattr(loop.accelerator, "gather", gathered)
        assert line.discriminator is not None
        before = line.discriminator.weight.detach().clone()
        loop.run()
        assert line.discriminator.weight.equal(before) != moves
        kept = states.load(tmp_path / str(others) / "state.pt", "a line")
        assert kept is not None
        assert ("adversarial" in kept.curve[0]) == moves


def test_a_state_of_another_version_is_refused(tmp_path):
    """Before a step is lost with it."""
    run(Line(stages(1, 1)), tmp_path)
    content = torch.load(tmp_path / "state.pt")
    del content["images"]
    torch.save(content, tmp_path / "state.pt")
    with pytest.raises(
        StoreError, match=r"written by another version: got a state without images; go on from its w"
    ):
        run(Line(stages(1, 2)), tmp_path)


def test_it_writes_sample_grids_curves_and_weights(tmp_path, monkeypatch):
    monkeypatch.undo()  # with the picture
    run(Line(stages(10, 10)), tmp_path)
    lines = [json.loads(line) for line in (tmp_path / "curves.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines if line["stage"] == "two"] == [20]
    assert {"square", "size"} <= lines[0].keys()
    assert [line["images"] for line in lines if line["stage"] == "validation"] == [80, 160]
    assert (tmp_path / "curves.png").stat().st_size > 1000
    assert (tmp_path / "samples-0000020.png").exists()
    assert json.loads((tmp_path / "weights.safetensors").read_text()).items() >= {("steps", 20), ("images", 160)}


def test_the_rate_warms_up_and_falls():
    rates = [loops.schedule(step, 1000) for step in range(1000)]
    assert rates[0] == pytest.approx(1 / 30, rel=1e-3)
    assert max(rates) == pytest.approx(1.0, abs=0.01)
    assert rates[-1] == pytest.approx(0.02, abs=1e-3)
    assert loops.schedule(515, 1000) == pytest.approx(
        0.51 + 0.49 * torch.cos(torch.tensor(torch.pi * 0.515)).item()
    )


def test_stages_can_be_shortened_and_skipped_by_name(tmp_path):
    assert [stage.steps for stage in plan_stages(stages(), {"one": 3})] == [3, 60]
    with pytest.raises(Exception, match=r"unknown stage 'on'.*did you mean one"):
        plan_stages(stages(), {"on": 3})
    recipe = Line(list(plan_stages(stages(), {"one": 0, "two": 2})))
    assert [step for step, _ in run(recipe, tmp_path).losses] == [0, 1]


@pytest.fixture
def other_precision():
    """Let accelerate, whose state is one a process, begin anew."""
    AcceleratorState._reset_state(reset_partial_state=True)
    yield AcceleratorState._reset_state
    AcceleratorState._reset_state(reset_partial_state=True)


def test_bf16_is_used_where_the_processor_can_and_changes_the_losses_little(
    tmp_path, monkeypatch, other_precision
):
    curves = {}
    for name, able in (("float32", False), ("bf16", True)):
        monkeypatch.setattr(torch.cpu, "get_capabilities", lambda able=able: {"avx512_bf16": able})
        other_precision(reset_partial_state=True)
        line = Line([Stage("base", 40, 8, 1e-2)])
        trained = Loop(line, tmp_path / name, cpu=True)
        assert trained.accelerator.mixed_precision == ("bf16" if able else "no")
        weights = trained.run()
        assert {value.dtype for value in weights.values()} == {torch.float32}
        curves[name] = [loss for _, loss in line.losses]
    assert curves["bf16"] != curves["float32"]
    assert curves["bf16"] == pytest.approx(curves["float32"], rel=0.05)
