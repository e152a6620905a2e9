"""A run against the rule: its tables are those of a fresh folder in which all its commands are given again, in order.

A machine of random steps adds, deletes, renames, damages and mends images, edits a method's helper, moves its weights,
and gives commands, kills some, scores, merges and reports. The fresh folder is made on what each source was when it was
last read. After every step the run's tables are of the same cells, with the same values of what is restored and
measured; the rest waits for its command to be given again. Once all of them were given again, both are equal. Nothing
on the disk is ever lost.
"""

from __future__ import annotations

import inspect
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from bench.pipeline import membership, restore
from bench.registry import identity
from bench.store.records import Status
from bench.store.rows import CellRow
from bench.store.store import Store
from tests.fuzz.membership import STEPS, Machine, counts

MINUTES = float(os.environ.get("FUZZ_MINUTES", "0"))
MACHINES = 100 if MINUTES else 3


def walk() -> None:
    """Let machines take every kind of step."""
    checks = settings(
        max_examples=MACHINES,
        stateful_step_count=1 + len(STEPS),  # it begins with one
        deadline=None,
        database=None,
        derandomize=not MINUTES,
        print_blob=False,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(Machine, settings=checks)


def test_tables_are_those_of_a_fresh_folder(in_process):
    walk()
    if MINUTES:
        print(f"\n{sum(counts[kind] for kind in {*STEPS})} steps: {dict(counts.most_common())}")  # noqa: T201


def keep_what_is_listed_no_more(patch: pytest.MonkeyPatch) -> None:
    """An image that its source no longer lists keeps its place."""
    read, place = membership._read_category, Store.place_images

    def of_source(store, source, *rest):
        def placed(self, places, stamps):
            names = {key: row.name for key, row in self.image_rows(self.category_id(source.name)).items()}
            kept = {key: at for key, at in places.items() if at is not None or names[key] in source.positions}
            place(self, kept, stamps)

        patch.setattr(Store, "place_images", placed)
        return read(store, source, *rest)

    patch.setattr(membership, "_read_category", of_source)


def take_any_content_for_the_same(patch: pytest.MonkeyPatch) -> None:
    """An image whose content has changed keeps its result and its score."""
    patch.setattr(membership, "_is_same", lambda *_: True)


def keep_scores_of_another_content(patch: pytest.MonkeyPatch) -> None:
    """What is restored anew of an image with another content gets the score of the old one."""
    write = Store.write_scores

    def written(self, scores):
        old = """
            SELECT value FROM scores JOIN cells ON cells.id = cell_id JOIN inputs ON inputs.id = input_id
            JOIN images ON images.id = image_id, (
                SELECT method_id AS method, name AS image, factor AS times FROM cells
                JOIN inputs ON inputs.id = input_id JOIN images ON images.id = image_id WHERE cells.id = ?
            ) WHERE metric_id = ? AND method_id = method AND name = image AND factor = times AND cell_id != ?
        """
        for score in [*scores]:
            known = self._rows(old, score.cell_id, score.metric_id, score.cell_id)
            write(self, [score._replace(value=known[0]["value"]) if known else score])

    patch.setattr(Store, "write_scores", written)


def know_a_method_by_its_file(patch: pytest.MonkeyPatch) -> None:
    """A method whose helper has changed is the same one."""
    patch.setattr(identity, "sources", lambda cls: [Path(inspect.getfile(cls))])


def take_any_preparation(patch: pytest.MonkeyPatch) -> None:
    """A category that is prepared in another way keeps its cells."""
    patch.setattr(membership, "_check_categories", lambda *_: None)


def pass_over_what_was_begun(patch: pytest.MonkeyPatch) -> None:
    """A command that was killed has noted what it would restore, and the next one believes it."""
    true = restore.Restoration.pending_cells

    def noted(self, inputs):
        pending = true(self, inputs)
        with self.store.transaction():
            for cell in pending:
                key = (self.method_id, cell.input.input_id, cell.repeat)
                self.store.write_cell(CellRow(*key, Status.ERROR, "begun", None))
        return pending

    patch.setattr(restore.Restoration, "pending_cells", noted)


@pytest.mark.parametrize(
    "plant",
    [
        keep_what_is_listed_no_more,
        take_any_content_for_the_same,
        keep_scores_of_another_content,
        know_a_method_by_its_file,
        take_any_preparation,
        pass_over_what_was_begun,
    ],
)
def test_a_planted_fault_is_found(in_process, monkeypatch, plant):
    plant(monkeypatch)
    with pytest.raises((AssertionError, pytest.fail.Exception)):
        walk()
