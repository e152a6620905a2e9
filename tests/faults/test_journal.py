"""A writer that is killed, or finds no room, in the middle of a transaction: what was committed is there."""

from __future__ import annotations

import subprocess
import sys

import pytest

from bench.base.errors import StoreError
from bench.base.metric import Better
from bench.store.records import MetricRecord
from bench.store.store import Store, connect_read_only

PSNR = MetricRecord("psnr", "PSNR", "s", Better.HIGHER, "image", "dB")
SPILLING = """import os, sys
from pathlib import Path
from bench.store.store import Store
with Store(Path(sys.argv[1])) as store, store.transaction():
    store.connection.execute("PRAGMA cache_size = 2")  # what a commit writes at its end is written at once
    store.connection.executemany("INSERT INTO commands (record) VALUES (?)", [[f"{n} " * 100] for n in range(3000)])
    os.kill(os.getpid(), 9)
"""


def committed(root) -> list[str]:
    with Store(root) as store:
        return [metric.name for metric in store.metrics()]


@pytest.mark.parametrize("reader_first", [True, False])
def test_a_journal_that_a_killed_writer_left_is_rolled_back(tmp_path, reader_first):
    with Store(tmp_path) as store, store.transaction():
        store.register_metric(PSNR)
    killed = subprocess.run([sys.executable, "-c", SPILLING, str(tmp_path)], check=False, capture_output=True)
    assert killed.returncode == -9
    with (tmp_path / "results.db-journal").open("rb") as journal:
        assert journal.read(8) == bytes.fromhex("d9d505f920a163d7"), "a journal that must be rolled back"
    if reader_first:
        reader = connect_read_only(tmp_path / "results.db")
        assert reader.commands() == []
        reader.close()
    assert committed(tmp_path) == ["psnr"]
    assert not (tmp_path / "results.db-journal").exists()


def test_a_database_that_was_only_begun_is_begun_again(tmp_path):
    (tmp_path / "results.db").write_bytes(b"")
    assert committed(tmp_path) == []


def test_a_full_disk_is_told_as_such_and_loses_nothing(tmp_path):
    with Store(tmp_path) as store:
        with store.transaction():
            store.register_metric(PSNR)
        store.connection.execute(
            f"PRAGMA max_page_count = {store.connection.execute('PRAGMA page_count').fetchone()[0]}"
        )
        with (
            pytest.raises(StoreError, match=r"full; nothing that was finished is lost; make room"),
            store.transaction(),
        ):
            store.register_metric(PSNR._replace(name="ssim", unit=""))
            store.connection.executemany(
                "INSERT INTO commands (record) VALUES (?)", [[f"{n} " * 999] for n in range(99)]
            )
    assert committed(tmp_path) == ["psnr"]
