"""Rows of papers stand only beside the images that they are about."""

import hashlib
from pathlib import Path

import pytest

from bench.base.files import suite_datasets
from bench.categories.card import read_cards
from reports.data import quoted
from reports.data.comparison import Comparison
from reports.data.leaderboard import Leaderboards
from reports.data.scores import Scores
from reports.data.significance import Significance
from tests.reports.making import RunSpec, write_run

NAMES = tuple(f"{number:05d}" for number in range(1, 101))


def scores_of(folder: Path, category: str, images: tuple[str, ...]) -> Scores:
    spec = RunSpec(
        methods=("a",), images=images, factors=(16,), categories=(category,), metrics=("psnr",), size=16
    )
    return Scores(Comparison((write_run(folder, spec),)))


def test_every_row_of_the_suite_is_about_the_list_of_its_card() -> None:
    cards = read_cards()
    files = list((suite_datasets() / "quoted").glob("*.toml"))
    rows = [row for file in files for row in quoted.read_rows(file)]
    assert len(rows) >= 5
    for row in rows:
        card = cards[row.category]
        names = sorted(card.held_out.choose(list))
        assert row.names_digest == hashlib.sha256("\n".join(names).encode()).hexdigest()
        assert (row.images, row.prepare) == (len(names), card.prepare)
        assert row.source
        assert set(row.values) <= {"psnr", "lpips"}


def test_the_whole_list_of_a_card_has_its_rows_and_they_are_ranked_nowhere(tmp_path: Path) -> None:
    scores = scores_of(tmp_path / "run", "celebahq", NAMES)
    rows = quoted.read(None, scores)
    assert [(row.factor, row.value("psnr"), row.value("lpips")) for row in rows] == [
        (16, "26.84", "0.2681"),
        (16, "26.91", "0.2698"),
    ]
    (board,) = Leaderboards(Significance(scores), rows).boards
    assert list(board.quoted) == rows
    assert [row.method.label for row in board.rows] == ["a"]


@pytest.mark.parametrize(("category", "images"), [("celebahq", NAMES[:99]), ("faces", NAMES), ("mine", NAMES)])
def test_part_of_a_list_the_sampled_faces_and_folders_have_none(tmp_path: Path, category: str, images) -> None:
    assert quoted.read(None, scores_of(tmp_path / "run", category, images)) == []


def test_another_preparation_has_none(tmp_path: Path) -> None:
    scores = scores_of(tmp_path / "run", "celebahq", NAMES)
    (row, *_) = quoted.read(None, scores)
    assert row.is_of(NAMES, "none")
    assert not row.is_of(NAMES, "centre-crop:512")
