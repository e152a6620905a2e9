"""The legend: one a figure, under all its panels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def add_legend(figure: Figure, axes: Sequence[Axes]) -> None:
    """Put one legend under all panels; a method that several panels show is named once."""
    handles: dict[str, Any] = {}
    for axis in axes:
        for handle, label in zip(*axis.get_legend_handles_labels(), strict=True):
            handles.setdefault(label, handle)
    if handles:
        columns = max(1, min(len(handles), int(figure.get_figwidth() // 1.9)))
        figure.legend(list(handles.values()), list(handles), loc="outside lower center", ncols=columns)
