"""One writer, clear refusals, nothing half written."""

import sqlite3

import pytest

from bench.base.errors import RunLocked, RunMismatch, StoreError
from bench.base.metric import Better
from bench.store.records import MetricRecord
from bench.store.rows import Score
from bench.store.store import Store, connect_read_only

PSNR = MetricRecord("psnr", "PSNR", "s", Better.HIGHER, "image", "dB")


def test_constants_are_written_once_and_held(tmp_path):
    with Store(tmp_path) as store:
        store.hold_constants({"seed": "0"})
    with Store(tmp_path) as store:
        store.hold_constants({"seed": "0"})
        with pytest.raises(
            RunMismatch, match=r"another value of seed: got 1, expected 0; run into another folder with --out"
        ):
            store.hold_constants({"seed": "1"})


def test_a_second_process_is_refused(tmp_path):
    with Store(tmp_path), pytest.raises(RunLocked, match="in use by another process"):
        Store(tmp_path).__enter__()
    with Store(tmp_path):
        pass


def test_an_equal_row_is_not_written_again(tmp_path):
    with Store(tmp_path) as store, store.transaction():
        store.register_metric(PSNR)
    before = (tmp_path / "results.db").stat().st_mtime_ns
    with Store(tmp_path) as store:
        with store.transaction():
            assert store.register_metric(PSNR) == 1
        store.hold_constants({})
    assert (tmp_path / "results.db").stat().st_mtime_ns == before


def test_a_failed_transaction_leaves_nothing(tmp_path):
    with Store(tmp_path) as store:
        with pytest.raises(StoreError), store.transaction():
            store.register_metric(PSNR)
            store.write_scores([Score(99, 1, 0.5)])
        assert store.metrics() == []


def test_a_run_of_another_version_is_refused(tmp_path):
    with Store(tmp_path):
        pass
    with sqlite3.connect(tmp_path / "results.db") as connection:
        connection.execute("UPDATE constants SET value = '0' WHERE name = 'schema'")
    with pytest.raises(RunMismatch, match="made by another version: got schema 0, expected schema 5"):
        Store(tmp_path).__enter__()


@pytest.mark.parametrize("content", [b"", b"not a database at all, but long enough to be looked at" * 40])
def test_a_damaged_database_is_one_sentence(tmp_path, content):
    (tmp_path / "results.db").write_bytes(content)
    with pytest.raises(StoreError, match=r"results\.db cannot be used"):
        connect_read_only(tmp_path / "results.db")


def test_a_folder_that_cannot_be_written_is_named():
    with pytest.raises(StoreError, match=r"/proc/run cannot be written: .*; choose another folder with --out"):
        Store(__import__("pathlib").Path("/proc/run")).__enter__()


def test_no_run_is_said(tmp_path):
    with pytest.raises(StoreError, match="is not a run folder; `bench run` makes one"):
        connect_read_only(tmp_path / "results.db")
