"""What a run says as a whole is so: one test for each way in which it once was not."""

from __future__ import annotations

import os
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import bench
from bench.base.errors import BenchError, StoreError, UsageError
from bench.categories.sources.archive import ArchiveSource
from bench.cli.run import run as run_command
from bench.images.png import load_png
from bench.pipeline.plan import make_plan
from bench.registry.methods import create
from bench.store.latest import latest_run
from bench.store.merge import merge
from bench.store.results import Run
from reports.data.comparison import Comparison
from reports.data.leaderboard import Leaderboards
from reports.data.scores import Scores
from reports.data.significance import Significance
from reports.export import export
from reports.markup import leaderboard_latex, leaderboard_markdown
from tests.conftest import photo, write_adapter
from tests.reports.making import RunSpec, write_run

pytestmark = pytest.mark.usefixtures("in_process")
GIVEN = {"factors": [16], "images": None, "metrics": ["psnr"], "device": "cpu", "threads": 1}


def images(folder: Path, *names: str, seed: int = 0, side: int = 64) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for place, name in enumerate(names):
        Image.fromarray(photo(seed + place, side, side)).save(folder / f"{name}.png")
    return folder


def pack(archive: Path, folder: Path) -> None:
    with zipfile.ZipFile(archive, "w") as file:
        for path in sorted(folder.iterdir()):
            file.write(path, path.name)


def given(work: Path, methods="nearest", category="t=t", out="run", **more) -> Run:
    place, _, path = category.partition("=")
    return bench.run(methods.split(","), [f"{place}={work / path}"], out=work / out, **(GIVEN | more))


def listed(run: Run) -> dict[str, list[str]]:
    frame = Run(run.path).frame
    return frame[frame["image"].notna()].groupby("method")["image"].unique().map(sorted).to_dict()


def test_what_the_source_lists_no_more_is_in_no_table_and_nothing_else_is_decoded(tmp_path, monkeypatch):
    """Of an archive that is packed again: one image is gone, one has another content, one another name."""
    folder = images(tmp_path / "t", "a", "b", "c", "d")
    pack(tmp_path / "t.zip", folder)
    run = given(tmp_path, "nearest,bicubic", "t=t.zip")
    (folder / "a.png").unlink()
    images(folder, "b", seed=50)
    (folder / "c.png").rename(folder / "e.png")
    pack(tmp_path / "t.zip", folder)
    read, true = [], ArchiveSource.read
    monkeypatch.setattr(ArchiveSource, "read", lambda self, name: read.append(name) or true(self, name))
    again = given(tmp_path, "nearest,bicubic", "t=t.zip")
    assert listed(again) == {"nearest": ["b", "d", "e"], "bicubic": ["b", "d", "e"]}
    assert again.outcomes == {"done": 6}
    assert sorted(read) == ["b", "e"]
    reasons = {cell.image: cell.reason for cell in Run(run.path).left_out}
    assert reasons["a"] == reasons["c"] == "the source of its category no longer lists its image"
    assert reasons["b"] == "its image has another content by now"
    assert len(list((tmp_path / "run" / "sr" / "nearest").rglob("*.png"))) == 6, (
        "what is left out stays on the disk"
    )


@pytest.mark.parametrize("other", ["t=t[prepare=squash:32]", "t=u"])
def test_a_category_of_a_name_that_the_run_knows_is_refused_with_other_images(tmp_path, other):
    images(tmp_path / "t", "a", "b")
    images(tmp_path / "u", "a", "b", seed=9)
    run = given(tmp_path)
    with pytest.raises(
        BenchError, match=r"give this one a name of its own, such as t2=\.\.\., or run into another"
    ):
        given(tmp_path, "bicubic", other)
    assert listed(run) == {"nearest": ["a", "b"]}
    shutil.move(tmp_path / "t", tmp_path / "moved")
    assert given(tmp_path, "nearest", "t=moved").outcomes == {"done": 2}, "the same images in another place"


def test_two_categories_of_one_name_are_refused(tmp_path):
    a, b = images(tmp_path / "a", "x"), images(tmp_path / "b", "y")
    with pytest.raises(UsageError, match="two categories are called 'portraits'"):
        bench.run(["nearest"], [f"portraits={a}", f"portraits={b}"], out=tmp_path / "run", **GIVEN)
    assert not (tmp_path / "run").exists()


def test_a_merge_keeps_two_identities_of_one_label_side_by_side(tmp_path):
    for name, scale in (("one", 0.3), ("two", 0.6)):
        images(tmp_path / f"of_{name}", f"{name}1", f"{name}2")
        adapter = write_adapter(tmp_path / f"{name}.py", f"sr = sr * {scale}")
        given(tmp_path, f"mine={adapter}", f"t=of_{name}", name)
    images(tmp_path / "of_two", "two3")
    merge([tmp_path / "one", tmp_path / "two"], tmp_path / "both")
    both = Run(tmp_path / "both")
    frame = both.frame[both.frame["status"] == "done"]
    assert frame.groupby("method")["image"].unique().map(sorted).to_dict() == {
        "mine": ["one1", "one2"],
        "mine (two)": ["two1", "two2"],
    }
    assert all(both.sr_path("mine (two)", "t", name, 16) for name in ("two1", "two2"))


def test_a_merge_that_fails_leaves_nothing(tmp_path):
    images(tmp_path / "a", "x")
    images(tmp_path / "b", "x", seed=5)
    given(tmp_path, category="t=a", out="one")
    given(tmp_path, category="t=b", out="two")
    with pytest.raises(StoreError, match="other pixels for the same image x"):
        merge([tmp_path / "one", tmp_path / "two"], tmp_path / "both")
    assert not (tmp_path / "both").exists()


def test_the_same_files_elsewhere_are_the_same_method(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    images(tmp_path / "results", "a")
    Path("run.py").write_text("print()")
    Path("card.toml").write_text('command = ["python", "run.py", "{input}", "{output}"]')
    Path("results/weights.pth").write_bytes(b"1")
    for text in ("folder:results", "command:card.toml", "spandrel:results/weights.pth"):
        kind, _, path = text.partition(":")
        first = create(text).identity
        assert create(f"{kind}:{tmp_path / path}").identity == first
        assert create(f"mine={kind}:../{tmp_path.name}/{path}").identity == first
    shutil.move("results", "elsewhere")
    moved = create("folder:elsewhere").identity
    Path("elsewhere/a.png").rename("elsewhere/b.png")
    assert create("folder:elsewhere").identity != moved, "names pair, so they count"
    with pytest.raises(UsageError, match="'one' and 'two' are the same method"):
        bench.run(["one=bicubic", "two=bicubic"], out=tmp_path / "run", **GIVEN)


def test_what_an_adapter_can_run_is_its_identity_and_a_comment_is_not(tmp_path):
    adapter = write_adapter(tmp_path / "mine.py")
    adapter.write_text(adapter.read_text() + "\n\nfrom parts.deep import net  # noqa\n")
    net = tmp_path / "parts" / "deep" / "net.py"
    net.parent.mkdir(parents=True)
    net.write_text('"""A net."""\n\nSCALE = 1  # one\n')
    (tmp_path / "other.py").write_text("UNUSED = 1\n")
    first = create(str(adapter)).identity
    net.write_text('"""Another word\n\nof it."""\nSCALE = 1\n')
    (tmp_path / "other.py").write_text("UNUSED = 2\n")
    assert create(str(adapter)).identity == first
    net.write_text('"""A net."""\n\nSCALE = "# one"\n')
    assert create(str(adapter)).identity != first


@pytest.mark.parametrize("edited", ["tool.py", "pieces.py", "weights.bin", "card.toml"])
def test_what_a_card_can_run_is_its_identity(tmp_path, edited):
    (tmp_path / "card.toml").write_text(
        'command = ["python", "-m", "tool", "{input}", "{output}"]\ndepends = ["weights.bin"] # these\n'
    )
    (tmp_path / "tool.py").write_text("import pieces\n")
    (tmp_path / "pieces.py").write_text("X = 1\n")
    (tmp_path / "weights.bin").write_bytes(b"1")
    text = f"command:{tmp_path / 'card.toml'}"
    first = create(text).identity
    path = tmp_path / edited
    if edited != "weights.bin":
        path.write_text(path.read_text() + "\n# a comment\n")
        assert create(text).identity == first
    path.write_text(path.read_text() + {"card.toml": "factors = [16]\n"}.get(edited, "Y = 2\n"))
    assert create(text).identity != first


def test_a_flat_folder_of_results_serves_one_factor(tmp_path):
    images(tmp_path / "t", "a")
    images(tmp_path / "sr", "a", seed=3)
    mine = f"mine=folder:{tmp_path / 'sr'}"
    with pytest.raises(UsageError, match=r"mine has results of one factor: got 4, 8.*x<factor>/<category>"):
        given(tmp_path, mine, factors=[4, 8])
    assert not (tmp_path / "run").exists()
    given(tmp_path, mine, factors=[8])
    with pytest.raises(UsageError, match="one factor: got 4, 8"):
        given(tmp_path, mine, factors=[4])


def test_a_mean_over_fewer_images_says_so_in_every_format(tmp_path):
    spec = RunSpec(factors=(16,), unscored=tuple((m, "0001", "ssim") for m in ("nearest", "bicubic", "glean")))
    run = write_run(tmp_path / "run", spec)
    comparison = Comparison((run,))
    boards = Leaderboards(Significance(Scores(comparison))).every
    markdown = next(line for line in leaderboard_markdown(boards).splitlines() if line.startswith("| bicubic"))
    assert [("n=3" in cell) for cell in markdown.split("|")[4:8]] == [False, True, False, False]
    latex = next(line for line in leaderboard_latex(boards).splitlines() if line.startswith("bicubic"))
    assert [("n=3" in cell) for cell in latex.split("&")[2:6]] == [False, True, False, False]
    assert "n=3" in bench.report([run]).read_text()


def test_an_error_of_an_image_ends_with_its_cause(tmp_path):
    """A grey picture with a half transparent corner, then saved without; the method is never asked again for it."""
    images(tmp_path / "t", "a")
    Image.fromarray(np.dstack([photo(4), np.full((64, 64), 99, np.uint8)])).save(tmp_path / "t" / "b.png")
    failed = given(tmp_path)
    assert failed.outcomes == {"done": 1, "error": 1}
    Image.fromarray(photo(4)).save(tmp_path / "t" / "b.png")
    assert given(tmp_path).outcomes == {"done": 2}
    assert set(Run(failed.path).frame["status"]) == {"done"}


def test_the_latest_run_is_the_one_that_a_command_continued_last(tmp_path, monkeypatch):
    monkeypatch.setenv("BENCH_HOME", str(tmp_path / "home"))
    images(tmp_path / "data" / "t", "a")
    for out in ("work/runs/exp1/seed0", "work/results_today", "work/runs/default"):
        given(tmp_path, category="t=data/t", out=out)
    given(tmp_path, category="t=data/t", out="work/runs/exp1/seed0")
    (tmp_path / "work" / "empty").mkdir()
    with bench_store(tmp_path / "work" / "empty"):
        pass
    assert latest_run(tmp_path / "work") == tmp_path / "work" / "runs" / "exp1" / "seed0"
    with pytest.raises(
        StoreError, match=r"there is no run in .*data or below; name one: .*seed0, .*default, .*today"
    ):
        latest_run(tmp_path / "data")


def bench_store(root: Path):
    from bench.store.store import Store

    return Store(root)


def test_reasons_reach_the_terminal_one_line_each(tmp_path, capsys):
    images(tmp_path / "t", "a", "b", "c")
    adapter = write_adapter(tmp_path / "cats.py", members="def supports(self, *a):\n    return 'it restores cats'")
    run_command(
        [str(adapter)],
        [f"t={tmp_path / 't'}[kind=Faces]"],
        "16",
        0,
        ["psnr"],
        device="cpu",
        threads=1,
        out=tmp_path / "run",
    )
    lines = [line for line in capsys.readouterr().out.splitlines() if "it restores cats" in line]
    assert len(lines) == 1
    assert lines[0].endswith("cats.py t/a x16 and 2 more: skipped, it restores cats")


def test_threads_are_a_constant_of_the_run(tmp_path):
    def threads(**more) -> int:
        plan = make_plan(
            methods=["nearest"], categories=["faces"], factors=[16], images=1, metrics=["psnr"], seed=0, repeats=1,
            device="cpu", timeout=None, address=None, gpus_per_worker=None, redo=None,
            **({"executor": "ray", "workers": None, "threads": None} | more),
        )  # fmt: skip
        return plan.settings.threads

    assert [threads(workers=n) for n in (None, 1, 2, 64)] == [1, 1, 1, 1]
    assert threads(executor="local") == len(os.sched_getaffinity(0))
    assert threads(workers=2, threads=3) == 3
    images(tmp_path / "t", "a")
    run = given(tmp_path, threads=2)
    assert run.provenance["constants"]["threads"] == "2"
    with pytest.raises(StoreError, match="made with another value of threads: got 1, expected 2"):
        given(tmp_path, threads=1)
    assert given(tmp_path, "bicubic", threads=None).provenance["constants"]["threads"] == "2"


def test_a_changed_image_keeps_its_old_results_and_finds_them_again(tmp_path):
    folder = images(tmp_path / "t", "a")
    run = given(tmp_path)
    old = load_png(run.sr_path("nearest", "t", "a", 16))
    images(folder, "a", seed=7)
    new = given(tmp_path)
    assert not np.array_equal(load_png(new.sr_path("nearest", "t", "a", 16)), old)
    images(folder, "a")
    back = given(tmp_path)
    assert np.array_equal(load_png(back.sr_path("nearest", "t", "a", 16)), old)
    assert len(Run(run.path).left_out) == 1
    export(Run(run.path), tmp_path / "values.csv")
    assert (tmp_path / "values.csv").read_text().count("psnr") == 1 + 1  # the metric's column, and its signature


def test_a_method_that_was_trained_on_a_category_says_so_beside_its_row(tmp_path):
    images(tmp_path / "t", "a")
    card = 'title = "x"\nabout = "x"\nlicence = "x"\nhow_to_get = "x"\nsource = "local"\ndata_set = "Ours"\n'
    (tmp_path / "ours.toml").write_text(f'{card}[settings]\npath = "t"\n')
    adapter = write_adapter(tmp_path / "mine.py", members='trained_on = ("Ours", "Theirs")')
    run = given(tmp_path, f"nearest,mine={adapter}", "t=ours.toml")
    comparison = Comparison((run,))
    boards = Leaderboards(Significance(Scores(comparison))).every
    for text in (leaderboard_markdown(boards), leaderboard_latex(boards), bench.report([run]).read_text()):
        assert text.count("has seen these images") == 1
        assert "trained on Ours" in text
