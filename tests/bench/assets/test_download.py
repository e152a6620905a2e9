"""Downloads from real local servers: one that resumes, ones that break off, change their file or know no ranges."""

from __future__ import annotations

import hashlib
import logging
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from bench.assets import download as module
from bench.assets.download import download

CONTENT = b"".join(hashlib.sha256(bytes([n % 256, n // 256])).digest() for n in range(40_000))


class Server(ThreadingHTTPServer):
    """Serves CONTENT; `cuts` says after how many bytes each next answer breaks off (None: it does not)."""

    def __init__(self, handler=None) -> None:
        super().__init__(("127.0.0.1", 0), handler or Ranges)
        self.content, self.etag, self.cuts = CONTENT, '"first"', []
        self.ranges: list[str | None] = []
        self.url = f"http://127.0.0.1:{self.server_port}/some/weights.bin"


class Ranges(BaseHTTPRequestHandler):
    """Answers ranges as RFC 9110 says."""

    server: Server

    def do_GET(self) -> None:
        wanted = self.headers.get("Range")
        self.server.ranges.append(wanted)
        start = 0
        if wanted and self.headers.get("If-Range") == self.server.etag:
            start = int(wanted.removeprefix("bytes=").removesuffix("-"))
        if start >= len(self.server.content):
            self.send_error(416)
        else:
            self.send(start)

    def send(self, start: int) -> None:
        content = self.server.content
        self.send_response(206 if start else 200)
        if self.server.etag:
            self.send_header("ETag", self.server.etag)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        cut = self.server.cuts.pop(0) if self.server.cuts else None
        self.wfile.write(content[start:] if cut is None else content[start : start + cut])

    def log_message(self, *args) -> None: ...


class NoLength(Ranges):
    def send(self, start: int) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(self.server.content)


class Refusing(Ranges):
    def do_GET(self) -> None:
        self.server.ranges.append(None)
        self.send_error(int(self.path.rpartition("/")[2]))


@contextmanager
def serving(handler=None) -> Iterator[Server]:
    with Server(handler) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as running:
        yield running


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch):
    monkeypatch.setattr(module, "PAUSE", 0.0)


@pytest.fixture
def part(tmp_path: Path) -> Path:
    return tmp_path / "weights.bin.part"


def test_the_whole_file_arrives_and_nothing_else_stays(server, part):
    download(server.url, part, len(CONTENT), progress=False)
    assert part.read_bytes() == CONTENT
    assert [path.name for path in part.parent.iterdir()] == [part.name]


def test_a_cut_connection_is_continued_within_the_call(server, part):
    server.cuts = [500_000, 300_000]
    download(server.url, part, len(CONTENT), progress=False)
    assert part.read_bytes() == CONTENT
    assert server.ranges == [None, "bytes=500000-", "bytes=800000-"]


def test_what_a_failed_call_left_is_continued_by_the_next(server, part):
    server.cuts = [100_000] * module.ATTEMPTS
    with pytest.raises(OSError, match=r"closed early \(4 attempts, 400000 bytes kept\)"):
        download(server.url, part, len(CONTENT), progress=False)
    assert part.read_bytes() == CONTENT[:400_000]
    download(server.url, part, len(CONTENT), progress=False)
    assert part.read_bytes() == CONTENT
    assert server.ranges[-1] == "bytes=400000-"


def test_a_changed_file_is_fetched_from_its_beginning(server, part):
    server.cuts = [100_000] * module.ATTEMPTS
    with pytest.raises(OSError, match="closed early"):
        download(server.url, part, None, progress=False)
    server.content, server.etag = CONTENT[::-1], '"second"'
    download(server.url, part, None, progress=False)
    assert part.read_bytes() == CONTENT[::-1]


def test_bytes_of_unknown_origin_are_not_continued(server, part):
    part.write_bytes(b"left by something else")
    download(server.url, part, None, progress=False)
    assert part.read_bytes() == CONTENT
    assert server.ranges == [None]


def test_a_server_without_versions_is_asked_from_the_beginning(server, part):
    server.etag, server.cuts = "", [500_000]
    download(server.url, part, None, progress=False)
    assert part.read_bytes() == CONTENT
    assert server.ranges == [None, None]


def test_a_part_that_is_already_whole_asks_nothing(server, part):
    part.write_bytes(CONTENT)
    part.with_name(part.name + ".version").write_text('"first"')
    download(server.url, part, len(CONTENT), progress=False)
    assert server.ranges == []


def test_a_file_of_unknown_length_arrives(part):
    with serving(NoLength) as server:
        download(server.url, part, None, progress=True)
    assert part.read_bytes() == CONTENT


def test_another_size_than_declared_is_refused_before_it_comes(server, part):
    with pytest.raises(OSError, match="offers 1280000 bytes, expected 7"):
        download(server.url, part, 7, progress=False)
    assert not part.exists()


def test_another_size_of_unknown_length_is_refused(part):
    with serving(NoLength) as server, pytest.raises(OSError, match="not of the declared size of 7 bytes"):
        download(server.url, part, 7, progress=False)
    assert not part.exists()


class Endless(Ranges):
    def send(self, start: int) -> None:
        self.send_response(200)
        self.end_headers()
        try:
            while True:
                self.wfile.write(bytes(1 << 16))
        except OSError:
            pass  # the client went away


def test_a_server_that_never_stops_is_left(part):
    with serving(Endless) as server, pytest.raises(OSError, match="not of the declared size of 1000 bytes"):
        download(server.url, part, size=1000, progress=False)
    assert not part.exists()


class OddHeaders(Ranges):
    def send(self, start: int) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "many")
        self.send_header("ETag", '"one\r\n two"')
        self.end_headers()
        self.wfile.write(self.server.content)


def test_headers_that_mean_nothing_are_passed_over(part):
    with serving(OddHeaders) as server:
        download(server.url, part, size=len(CONTENT), progress=False)
    assert part.read_bytes() == CONTENT


def test_a_missing_file_is_not_asked_for_again(part):
    with serving(Refusing) as server, pytest.raises(OSError, match="HTTP 404 Not Found"):
        download(server.url.replace("weights.bin", "404"), part, None, progress=False)
    assert len(server.ranges) == 1


def test_a_busy_server_is_asked_again(part):
    with serving(Refusing) as server, pytest.raises(OSError, match=r"HTTP 503 .* \(4 attempts, 0 bytes kept\)"):
        download(server.url.replace("weights.bin", "503"), part, None, progress=False)
    assert len(server.ranges) == module.ATTEMPTS


def test_a_part_beyond_the_end_is_dropped_and_fetched_anew(server, part):
    part.write_bytes(CONTENT + b"more")
    part.with_name(part.name + ".version").write_text('"first"')
    download(server.url, part, len(CONTENT), progress=False)
    assert part.read_bytes() == CONTENT
    assert server.ranges == ["bytes=1280004-", None]


def test_nobody_listening_is_one_clear_sentence(part):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    with pytest.raises(OSError, match=f"127.0.0.1:{port} cannot be reached: .*refused"):
        download(f"http://127.0.0.1:{port}/x", part, None, progress=False)


def test_no_network_is_one_clear_sentence(part):
    with pytest.raises(OSError, match=r"nowhere\.invalid cannot be reached: "):
        download("https://nowhere.invalid/x", part, None, progress=False)


def test_a_silent_server_times_out(part, monkeypatch):
    monkeypatch.setattr(module, "TIMEOUT", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(OSError, match="timed out"):
        download(f"http://127.0.0.1:{silent.getsockname()[1]}/x", part, None, progress=False)


def test_a_full_disk_is_said_so_and_not_tried_again(server, part):
    part.symlink_to("/dev/full")
    with pytest.raises(OSError, match="No space left on device"):
        download(server.url, part, None, progress=False)
    assert len(server.ranges) == 1


def test_progress_is_told_in_lines_where_there_is_no_terminal(server, part, caplog):
    caplog.set_level(logging.INFO, "bench.assets.download")
    download(server.url, part, None, progress=True)
    assert caplog.messages[-1] == "weights.bin: 1.3 of 1.3 MB"
    assert 2 <= len(caplog.messages) <= module.LOG_STEPS + 1


def test_progress_is_a_bar_on_a_terminal(server, part, monkeypatch, capsys):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    download(server.url, part, None, progress=True)
    shown = capsys.readouterr().err
    assert "weights.bin" in shown
    assert "1.3/1.3 MB" in shown


def test_silence_when_nobody_wants_to_know(server, part, caplog):
    caplog.set_level(logging.INFO)
    download(server.url, part, None, progress=False)
    assert caplog.messages == []
