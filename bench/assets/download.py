"""One file over HTTP: resumed where it broke off, its progress shown, never longer or shorter than announced."""

import http.client
import logging
import re
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

log = logging.getLogger(__name__)

ATTEMPTS = 4
PAUSE = 1.0
TIMEOUT = 30.0
CHUNK = 1 << 18
LOG_STEPS = 10


class _Broken(OSError):
    """The connection failed on the way: worth another attempt."""


class _Answer(NamedTuple):
    """What a server sends."""

    body: Any
    start: int
    total: int | None


def download(url: str, part: Path, size: int | None, progress: bool) -> None:
    """Fetch a file.

    What an earlier call left at `part` is continued when the server says that its file is still the same: the
    version that the bytes belong to is kept beside it in `PART.version`.

    Args:
        url: its address, http or https.
        part: where to write it; kept when the download breaks off.
        size: its declared size in bytes, None when nobody knows.
        progress: whether to show how far it is: a bar on a terminal, log lines elsewhere.

    Raises:
        OSError: when it cannot be had, or is not of the declared size.
    """
    for attempt in range(1, ATTEMPTS + 1):
        try:
            _attempt(url, part, size, progress)
            break
        except _Broken as error:
            if attempt == ATTEMPTS:
                raise OSError(f"{error} ({ATTEMPTS} attempts, {_length(part)} bytes kept)") from error
            log.info("%s: %s, trying again", url, error)
            time.sleep(PAUSE)
    _version(part).unlink(missing_ok=True)
    if size is not None and _length(part) != size:
        part.unlink()
        raise OSError(f"it is not of the declared size of {size} bytes")


def _attempt(url: str, part: Path, size: int | None, progress: bool) -> None:
    start = _length(part) if _version(part).is_file() else 0
    if start and start == size:
        return
    with _ask(url, part, start) as answer:
        if size is not None and answer.total not in (None, size):
            raise OSError(f"the server offers {answer.total} bytes, expected {size}")
        _note_version(part, answer)
        with part.open("ab" if answer.start else "wb") as out, _progress(url, answer, progress) as advance:
            left = sys.maxsize if size is None else size - answer.start
            for chunk in _chunks(answer.body):
                out.write(chunk)
                advance(len(chunk))
                if (left := left - len(chunk)) < 0:
                    break  # it may send without end: what has come is refused for its size
    if answer.total is not None and _length(part) != answer.total:
        raise _Broken("the connection closed early")


@contextmanager
def _ask(url: str, part: Path, start: int) -> Iterator[_Answer]:
    headers = {"User-Agent": "glean-bench"}
    if start:
        headers |= {"Range": f"bytes={start}-", "If-Range": _version(part).read_text()}
    try:
        body = urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=TIMEOUT)
    except urllib.error.HTTPError as error:
        if error.code == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            part.unlink(missing_ok=True)
        kind = _Broken if error.code >= 500 or error.code in (408, 416, 429) else OSError
        raise kind(f"HTTP {error.code} {error.reason}") from error
    except urllib.error.URLError as error:
        raise OSError(f"{urlsplit(url).netloc} cannot be reached: {error.reason}") from error
    except (http.client.HTTPException, ConnectionError, TimeoutError) as error:
        raise _Broken(f"the connection failed: {error}") from error
    with body:
        resumed = start if body.headers.get("Content-Range", "").startswith(f"bytes {start}-") else 0
        announced = body.headers.get("Content-Length", "").strip()
        yield _Answer(body, resumed, resumed + int(announced) if re.fullmatch("[0-9]{1,18}", announced) else None)


def _chunks(body: Any) -> Iterator[bytes]:
    try:
        while chunk := body.read(CHUNK):
            yield chunk
    except (http.client.HTTPException, ConnectionError, TimeoutError) as error:
        raise _Broken(f"the connection broke: {error}") from error


def _length(part: Path) -> int:
    return part.stat().st_size if part.exists() else 0


def _version(part: Path) -> Path:
    return part.with_name(part.name + ".version")


def _note_version(part: Path, answer: _Answer) -> None:
    """Keep what names the server's file: a strong ETag or a date (RFC 9110, 13.1.5)."""
    tag, date = answer.body.headers.get("ETag", ""), answer.body.headers.get("Last-Modified")
    version = tag if tag.startswith('"') else date
    if version and version.isprintable() and version.isascii():  # it goes into a header of the next request
        _version(part).write_text(version)
    else:
        _version(part).unlink(missing_ok=True)


@contextmanager
def _progress(url: str, answer: _Answer, progress: bool) -> Iterator[Callable[[int], object]]:
    """Yield what to call with the number of bytes that have come."""
    name = unquote(PurePosixPath(urlsplit(url).path).name)
    if not progress:
        yield lambda _: None
    elif sys.stderr.isatty():
        with _bar(name, answer) as advance:
            yield advance
    else:
        yield _lines(name, answer)


@contextmanager
def _bar(name: str, answer: _Answer) -> Iterator[Callable[[int], object]]:
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as shown:
        task = shown.add_task(name, total=answer.total, completed=answer.start)
        yield lambda count: shown.advance(task, count)


def _lines(name: str, answer: _Answer) -> Callable[[int], object]:
    """Return what logs a line each tenth, or each 10 MB of a file whose size nobody knows."""
    step = max((answer.total or 0) / LOG_STEPS, 1e7 if answer.total is None else 1)
    done = answer.start

    def advance(count: int) -> None:
        nonlocal done
        if (done + count) // step > done // step:
            whole = f" of {answer.total / 1e6:.1f}" if answer.total else ""
            log.info("%s: %.1f%s MB", name, (done + count) / 1e6, whole)
        done += count

    return advance
