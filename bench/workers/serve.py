"""The worker process: loads a servant, and answers jobs until the other end closes.

Nothing here imports torch: a role does, in the process that serves.
"""

import multiprocessing
import os
import signal
import sys
import threading
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Any

from bench.base.errors import lacked_memory, located
from bench.store.records import Status
from bench.workers import process_tree
from bench.workers.jobs import Outcome, Role, Servant, Settings

_MAX_REASON = 2000
"""Longer reasons are cut after so many characters."""


def serve(connection: Connection, role: Role, settings: Settings) -> None:
    """Load a servant, then answer jobs until the other end closes.

    The first answer is None, or the outcome that every job has when it cannot be loaded.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.environ.pop(process_tree.SAFE_PATH, None)
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # a method's prints must not mix with ours
    threading.Thread(target=_end_with_parent, daemon=True).start()
    # What a method forks must neither keep this connection open nor answer on it.
    os.register_at_fork(after_in_child=connection.close)
    change_folder(settings.folder)
    servant, problem = _started(role, settings)
    _answer(connection, problem)
    while servant is not None:
        try:
            job = connection.recv()
        except EOFError:
            return
        _answer(connection, servant.answer(job))


def _started(role: Role, settings: Settings) -> tuple[Servant | None, Outcome | None]:
    try:
        return role(settings), None
    except Exception as error:
        return None, failure(error, "cannot be loaded: ")


def change_folder(folder: str) -> None:
    """Go to the folder where relative paths start, if this machine has it."""
    with suppress(FileNotFoundError):  # another machine has no such folder, and perhaps no need of one
        os.chdir(folder)


def _answer(connection: Connection, answer: Any) -> None:
    if connection.closed:
        os._exit(0)  # a child that a method forked has come back from its call
    connection.send(answer)


def _end_with_parent() -> None:
    """Wait for the end of the parent, then end this process and what it started, whatever it is doing."""
    parent, tag = multiprocessing.parent_process(), os.environ.get(process_tree.VARIABLE)
    if parent is None or tag is None:
        return
    parent.join()
    process_tree.end(tag)
    os.kill(os.getpid(), signal.SIGKILL)


def failure(error: Exception, where: str = "") -> Outcome:
    """Return the outcome that an error makes, with one line that a database takes."""
    status = Status.OUT_OF_MEMORY if lacked_memory(error) else Status.ERROR
    # A database takes no surrogates.
    reason = f"{where}{located(error)}".encode(errors="backslashreplace").decode()
    return Outcome(status, reason if len(reason) <= _MAX_REASON else f"{reason[:_MAX_REASON]} ...")
