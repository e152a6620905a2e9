"""An asset that arrives in pieces: killed while it comes, cut by its server, cut in the cache."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import time

import pytest

from tests.bench.assets.test_download import CONTENT, Ranges, serving

FETCH = """import sys
from bench import Address, Asset, fetch
from bench.base.errors import BenchError
url, size, sha256 = sys.argv[1:]
try:
    print(fetch(Asset("torn/weights.bin", "none", int(size), sha256, (Address(url),))))
except BenchError as error:
    sys.exit(f"error: {error}")
"""
STEP = 65_536


class Slow(Ranges):
    """Takes a second for the whole file."""

    def send(self, start: int) -> None:
        content = self.server.content
        self.send_response(206 if start else 200)
        self.send_header("ETag", self.server.etag)
        self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        for begin in range(start, len(content), STEP):
            self.wfile.write(content[begin : begin + STEP])
            time.sleep(STEP / len(content))


def fetching(server, cache) -> subprocess.Popen:
    given = [server.url, str(len(CONTENT)), hashlib.sha256(CONTENT).hexdigest()]
    environment = {**os.environ, "BENCH_HOME": str(cache)}
    command = [sys.executable, "-c", FETCH, *given]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def fetched(server, cache) -> tuple[int, str]:
    """Fetch to the end; return the exit code and what was said on stderr."""
    process = fetching(server, cache)
    _, errors = process.communicate(timeout=60)
    return process.returncode, errors


def test_a_download_that_is_killed_is_continued(tmp_path):
    part, asset = (tmp_path / "assets" / "torn" / name for name in ("weights.bin.0.part", "weights.bin"))
    with serving(Slow) as server:
        process = fetching(server, tmp_path)
        while not part.exists() or part.stat().st_size < 4 * STEP:
            assert process.poll() is None, process.communicate()
            time.sleep(0.01)
        process.kill()
        process.communicate()
        kept = part.stat().st_size
        assert not asset.exists()
        _, errors = fetched(server, tmp_path)
        assert asset.read_bytes() == CONTENT, errors
        assert server.ranges == [None, f"bytes={kept}-"]
    assert not list(asset.parent.glob("*.part*"))


def test_a_server_that_always_closes_early_is_told_of_and_what_came_is_kept(tmp_path):
    with serving() as server:
        server.cuts = [100_000] * 4
        _, errors = fetched(server, tmp_path)
        assert errors.startswith("error: asset torn/weights.bin could not be fetched")
        assert "closed early (4 attempts, 400000 bytes kept)" in errors
        assert errors.count("\n") == 1
        assert fetched(server, tmp_path)[0] == 0
        assert server.ranges[-1] == "bytes=400000-"


@pytest.mark.parametrize("spoil", [lambda whole: whole[:1000], lambda whole: whole[:-1] + b"?"])
def test_a_file_of_the_cache_that_was_cut_or_changed_is_refused(tmp_path, spoil):
    asset = tmp_path / "assets" / "torn" / "weights.bin"
    with serving() as server:
        assert fetched(server, tmp_path)[0] == 0
        asset.write_bytes(spoil(CONTENT))
        _, errors = fetched(server, tmp_path)
        assert f"{asset} is not the declared file" in errors
        assert "remove it and run `bench prepare`" in errors
        asset.unlink()
        assert fetched(server, tmp_path)[0] == 0
    assert asset.read_bytes() == CONTENT
