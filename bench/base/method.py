"""What a method promises."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, runtime_checkable

from bench.base.types import Batch, Category, Needs, Restored, Size

if TYPE_CHECKING:
    import torch

    from bench.assets.declare import Asset


@runtime_checkable
class Method(Protocol):
    """Something that restores. One class a file, built as `Adapter(Options(...))`.

    Besides what is declared here an adapter may set, all with a plain default when absent:
    `title` (how tables call it), `kind` (the one kind of image it is for), `sees_hr` (True only for an upper
    bound), `trained_with` (names of metrics whose network its training used: they get a dagger), `needs` (a
    `Needs`), `notes` (how it departs from its publication), and `unpaired(cells)` (sentences about the `Cell`s
    that a run asks of it, said before it begins: a folder's missing and extra images).
    """

    name: ClassVar[str]
    Options: ClassVar[type]
    """A frozen dataclass, every field typed and with a default."""
    options: Any
    """The `Options` it was built with."""

    def assets(self) -> Sequence[Asset | Path]:
        """Return the weight files that these options need, declared or the user's own."""
        ...

    def supports(self, lr_size: Size, hr_size: Size, factor: int, category: Category) -> str | None:
        """Return the reason why this input cannot be restored, or None when it can."""
        ...

    def load(self, device: torch.device) -> None:
        """Read the weights. Called once in the worker process, before the first `restore`."""
        ...

    def restore(self, batch: Batch) -> Restored:
        """Restore a batch; the same seeds give the same result, whatever was restored before."""
        ...


def needs_of(method: Method) -> Needs:
    """Return what a worker of the method must have."""
    needs: Needs = getattr(method, "needs", Needs())
    return needs
