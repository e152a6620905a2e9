"""The command `bench train` and what stands before a training: everything wrong is one sentence."""

from __future__ import annotations

import subprocess
import sys

import pytest
from PIL import Image

from bench.base.errors import StoreError, Unavailable, UsageError
from methods.shared import training
from methods.shared.training import trainable
from methods.shared.training.recipe import Stage
from methods.shared.training.samples import folder_digest
from tests.commands import bench
from tests.conftest import photo
from tests.methods.shared.training.test_loop import Line

pytestmark = pytest.mark.usefixtures("no_curves_picture")


@pytest.mark.parametrize("name", ["bicubic", "training", "banks", "../glean", "", "glean.recipe"])
def test_what_cannot_be_trained_is_refused(name, tmp_path):
    with pytest.raises(UsageError, match=r"cannot be trained: expected one of esrgan\+, glean, idinvert"):
        training.train(name, "mobilestylegan", (16,), None, tmp_path)
    assert trainable() == ["esrgan+", "glean", "idinvert"]


def test_a_missing_package_is_said_before_anything_is_read(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "accelerate", None)
    with pytest.raises(Unavailable, match=r"no Python package accelerate; pip install \"glean-bench\[train\]\""):
        training.train("glean", "no bank of this name", (16,), tmp_path / "absent", tmp_path)
    monkeypatch.undo()
    monkeypatch.delitem(sys.modules, "methods.idinvert.recipe", raising=False)
    monkeypatch.setitem(sys.modules, "methods.shared.training.latents", None)
    with pytest.raises(
        Unavailable, match=r"idinvert cannot be trained here: got no Python package .*; install it"
    ):
        training.train("idinvert", "no bank of this name", (16,), None, tmp_path)


@pytest.fixture
def line(monkeypatch):
    """A method `glean` that is a line: the way to the loop is the real one."""

    class Module:
        @staticmethod
        def recipe(*given):
            return Line([Stage("one", 2, 2, 1e-2)])

    monkeypatch.setattr(training, "import_module", lambda name: Module)


def test_another_start_or_folder_is_another_training(line, folder, tmp_path):
    start, other = tmp_path / "start", tmp_path / "other"
    start.write_bytes(b"weights")
    other.write_bytes(b"other weights")

    def train(start, data):
        training.train("glean", "", (16,), data, tmp_path / "out", start=start, cpu=True)

    train(start, folder)
    train(start, folder)
    with pytest.raises(StoreError, match=r"got from weights [0-9a-f]{12}, expected from random weights; give the"):
        train(None, folder)
    with pytest.raises(
        StoreError, match=r"got from weights [0-9a-f]{12}, expected from weights [0-9a-f]{12}; give"
    ):
        train(other, folder)
    with pytest.raises(
        StoreError, match=r"got with images [0-9a-f]{12}, expected with no images of one's own; give"
    ):
        train(start, None)
    before = folder_digest(folder)
    Image.fromarray(photo(9)).save(folder / "b.png")
    assert folder_digest(folder) != before
    with pytest.raises(StoreError, match=r"got with images [0-9a-f]{12}, expected with images [0-9a-f]{12}; give"):
        train(start, folder)


def test_the_rates_are_multiplied():
    stages = [Stage("one", 2, 2, 1e-2), Stage("two", 3, 2, 1e-3)]
    assert [stage.rate for stage in training.plan_stages(stages, {}, 0.5)] == [5e-3, 5e-4]
    assert [stage.batch for stage in training.plan_stages(stages, {}, batch=4)] == [
        4 * stage.batch for stage in stages
    ]
    assert training.plan_stages(stages, {}) == tuple(stages)
    for rate in (0.0, -1.0, float("nan"), float("inf")):
        with pytest.raises(UsageError, match=r"--rate: got .*, expected a positive number"):
            training.plan_stages(stages, {}, rate)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["glean", "--steps", "base"], "error: --steps: got base, expected STAGE=COUNT, with commas"),
        (["glean", "--factors", "many"], "error: --factors: got 'many', expected whole numbers with commas"),
        (["glean", "--device", "tpu"], "error: --device: got tpu, expected auto or cpu"),
    ],
)
def test_wrong_use_is_one_sentence(arguments, sentence, tmp_path):
    done = bench("train", *arguments, "--out", tmp_path / "out", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.strip() == sentence
    assert not (tmp_path / "out").exists()


def test_the_module_that_accelerate_starts_is_the_command(tmp_path):
    command = [sys.executable, "-m", "bench", "train", "training", "--out", "out"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.strip().startswith("error: method 'training' cannot be trained")
