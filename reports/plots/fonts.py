"""Fonts for names of any script: those of this machine; a letter that none has is written as its code."""

from __future__ import annotations

import logging
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_BASE = "DejaVu Sans"
_BOXES = "Last Resort"
"""matplotlib's font that has a box for every letter."""
log = logging.getLogger(__name__)


def fit_fonts(figure: Figure) -> None:
    r"""Let a figure's texts be drawn by fonts that have their letters; one that none has becomes `\u4e2d`."""
    from matplotlib.text import Text

    texts = [text for text in figure.findobj(Text) if isinstance(text, Text) and text.get_text()]
    letters = frozenset("".join(text.get_text() for text in texts)) - {"\n"}
    families, missing = _families(letters)
    for text in texts:
        text.set_fontfamily(families)
        text.set_text("".join(_code(letter) if letter in missing else letter for letter in text.get_text()))


@lru_cache
def _families(letters: frozenset[str]) -> tuple[list[str], frozenset[str]]:
    """Return the families that have the letters, and the letters that none has."""
    from matplotlib.font_manager import fontManager

    families, missing = [_BASE], letters - letters_of(_path(_BASE))
    fonts = {font.name: font.fname for font in fontManager.ttflist if not font.name.startswith(_BOXES)}
    for name, path in sorted(fonts.items()):
        if missing and (covered := missing & letters_of(path)):
            families.append(name)
            missing -= covered
    if missing:
        log.warning("no font of this machine has %s: figures show their codes", "".join(sorted(missing)))
    return families, frozenset(missing)


def _path(family: str) -> str:
    from matplotlib.font_manager import findfont

    return str(findfont(family))


@lru_cache
def letters_of(path: str) -> frozenset[str]:
    """Return the letters that a font file has."""
    from matplotlib.ft2font import FT2Font

    return frozenset(map(chr, FT2Font(path).get_charmap()))


def _code(letter: str) -> str:
    return f"\\u{ord(letter):04x}"
