"""The state of a training on disk: complete or the one before, and readable on other hardware."""

import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from bench.base.errors import StoreError
from bench.base.files import write_atomically


@dataclass
class State:
    """Everything that the next step depends on."""

    identity: str = ""
    """What is trained and what it began with, in clauses with semicolons: a state of something else is refused."""
    stage: int = 0
    """The number of the stage."""
    step: int = 0
    """Steps done in this stage."""
    total: int = 0
    """Steps done in all stages."""
    images: int = 0
    """Images drawn in all stages by all processes."""
    seconds: float = 0.0
    network: dict[str, Tensor] = field(default_factory=dict)
    average: dict[str, Tensor] = field(default_factory=dict)
    discriminator: dict[str, Tensor] = field(default_factory=dict)
    optimisers: list[dict[str, Any]] = field(default_factory=list)
    curve: list[dict[str, Any]] = field(default_factory=list)
    """Every few steps `step` and `images`, as above in all, `stage` (or `validation`) and named values."""

    def note(self, stage: str, values: Mapping[str, float]) -> None:
        """Add a point to the curve."""
        self.curve.append({"step": self.total, "images": self.images, "stage": stage, **values})


def save(state: State, path: Path) -> None:
    """Write the state.

    Raises:
        StoreError: when it cannot be written; the one before it is untouched.
    """
    buffer = io.BytesIO()
    torch.save(vars(state), buffer)
    try:
        for left in path.parent.glob(f".{path.name}.*.part"):
            left.unlink()  # by a write that was killed: no other process writes this file
        write_atomically(path, buffer.getvalue())
    except OSError as error:
        raise StoreError(
            f"the training's state {path} cannot be written",
            got=error.strerror or error,
            remedy="make room and start the same command again: it goes on from the state before this one",
        ) from error


def load(path: Path, identity: str) -> State | None:
    """Read the state, or None when a training starts from nothing.

    Raises:
        StoreError: when the file is not a training's state, or one of something else.
    """
    if not path.exists():
        return None
    state = _read(path)
    if state.identity != identity:
        raise StoreError(
            f"{path} is the state of another training",
            got=_apart(state.identity, identity),
            expected=_apart(identity, state.identity),
            remedy="give the command that began it, or name another --out",
        )
    return state


def _apart(identity: str, other: str) -> str:
    """Return the clauses of an identity that another one has not."""
    clauses = other.split("; ")
    return "; ".join(clause for clause in identity.split("; ") if clause not in clauses) or "nothing more"


def _read(path: Path) -> State:
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
        state = State(**content)
    except Exception as error:
        raise StoreError(
            f"{path} is not a training's state",
            got=type(error).__name__,
            remedy="remove it to begin anew, or name another --out",
        ) from error
    if missing := vars(state).keys() - content.keys():
        what = f"{path} was written by another version"
        got, remedy = (
            f"a state without {', '.join(sorted(missing))}",
            "go on from its weights: --start, another --out",
        )
        raise StoreError(what, got=got, remedy=remedy)
    return state
