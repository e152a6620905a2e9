"""The style that a method has everywhere: a colour of a colour-blind-safe set and, for greyscale, a marker."""

from typing import NamedTuple

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#8c8c8c")
"""Okabe and Ito's set (2008) without its yellow and its black, which vanish on white and on dark."""

_MARKERS = {
    "o": "M8 2.5a5.5 5.5 0 1 0 .001 0z",
    "s": "M3 3h10v10H3z",
    "^": "M8 2l6.2 11.5H1.8z",
    "D": "M8 1.3L14.7 8 8 14.7 1.3 8z",
    "v": "M8 14L1.8 2.5h12.4z",
    "P": "M5.8 2h4.4v3.8H14v4.4h-3.8V14H5.8v-3.8H2V5.8h3.8z",
    "X": "M4.2 1.6L8 5.4l3.8-3.8 2.6 2.6L10.6 8l3.8 3.8-2.6 2.6L8 10.6l-3.8 3.8-2.6-2.6L5.4 8 1.6 4.2z",
    "p": "M8 1.6l6.3 4.6-2.4 7.4H4.1L1.7 6.2z",
}
"""matplotlib's markers, and the same as SVG paths in a box of 16."""


class MethodStyle(NamedTuple):
    """The colour and the marker of one method."""

    colour: str
    marker: str
    path: str


def method_style(index: int) -> MethodStyle:
    """Return the style of the method at an index; the first 56 differ."""
    marker = list(_MARKERS)[index % len(_MARKERS)]
    return MethodStyle(COLOURS[index % len(COLOURS)], marker, _MARKERS[marker])
