"""Text for pages, plots and tables: names made safe to write, numbers rounded in one place."""

import math
import os
import re
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import quote

_TIMES = "\N{MULTIPLICATION SIGN}"
DASH = MISSING = "\N{EN DASH}"
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_LAST_LATIN = 0x017F
"""What pdflatex has letters for."""
_TEX = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "†": r"$^\dagger$",
    DASH: "--",
    "∞": r"$\infty$",
    "≈": r"$\approx$",
    "↑": r"$\uparrow$",
    "↓": r"$\downarrow$",
    _TIMES: r"$\times$",
    **{character: f"\\{character}" for character in "&%$#_{}"},
}


def plain(text: object) -> str:
    """Return text that every file format here can hold: control characters and lone surrogates replaced."""
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", str(text))


def short(text: str, width: int = 30) -> str:
    """Shorten a long name in its middle, where names that share a beginning and an end differ least often."""
    if len(text) <= width:
        return text
    tail = (width - 1) // 3
    return f"{text[: width - 1 - tail]}…{text[-tail:]}"


def enlarged(factor: int) -> str:
    """Print a factor: 16 and the sign for times."""
    return f"{factor}{_TIMES}"


def digits(values: Iterable[float], unit: str = "", scope: str = "image") -> int:
    """Return how many decimals a metric is printed with, one number for all its tables."""
    sizes = [abs(value) for value in values if math.isfinite(value)]
    if unit in ("dB", "%"):
        return 2 if unit == "dB" else 1
    if scope == "cost":
        return 2 if min(filter(None, sizes), default=0.0) < 100 else 0
    return 4 if max(sizes, default=0.0) < 10 else 2


def number(value: float, decimals: int) -> str:
    """Print a number; a dash when there is none."""
    if math.isnan(value):
        return MISSING
    if math.isinf(value):
        return "∞" if value > 0 else "-∞"
    text = f"{value:.{decimals}f}"
    return text.removeprefix("-") if float(text) == 0 else text


def signed(value: float, decimals: int) -> str:
    """Print a difference with its sign."""
    printed = number(value, decimals)
    return f"+{printed}" if value > 0 and float(printed) != 0 else printed


def exact(value: float, decimals: int) -> str:
    """Print a number for a machine: the same digits, empty when there is none."""
    return "" if math.isnan(value) else str(value) if math.isinf(value) else number(value, decimals)


def count(n: int, noun: str) -> str:
    """Print a count with its noun: `1 image`, `3 images`."""
    return f"{n:,} {noun}" if n == 1 else f"{n:,} {noun}s"


def address(path: Path, start: Path) -> str:
    """Return the percent-encoded address of a file, relative to the folder of the page."""
    relative = os.path.relpath(path, start)
    return quote(os.fsencode(Path(relative).as_posix()), safe="/")


def tex(text: str) -> str:
    """Escape text for LaTeX."""
    return "".join(_TEX.get(character, character) for character in plain(text))


def tex_needs(source: str) -> str:
    """Return the comment that a LaTeX file with letters beyond Latin begins with, or nothing."""
    others = sorted({letter for letter in source if ord(letter) > _LAST_LATIN})
    some = "".join(others[:20])
    return f"% compile with lualatex or xelatex and a font that has {some}\n" if others else ""


def markdown(text: str) -> str:
    """Escape text for a cell of a Markdown table."""
    return re.sub(r"([\\`*_{}\[\]<>()#+!|~&-])", r"\\\1", plain(text))
