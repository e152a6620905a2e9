"""The one grammar by which a command names methods and categories.

glean                        a registered name
pulse[steps=200,bank=x]      with options
./mine.py                    an adapter in a file
folder:results/theirs        an adapter with its argument
mine=folder:results/theirs   under a name of your own
portraits=~/photos[prepare=centre-crop:512]     a category from a folder
mine="a, b [1]"[prepare=none]     double quotes keep commas and brackets of a path
"""

import re
from collections.abc import Iterable
from typing import NamedTuple

from bench.base.errors import UsageError

_LABEL = re.compile(r"[\w][\w+.-]*")
_QUOTE = "put a path with brackets or commas in double quotes: 'mine=\"PATH\"'"


class Selection(NamedTuple):
    """One parsed item."""

    label: str | None
    """The user's own name for it."""
    target: str
    """What is selected, without label and options: a name, `name:argument` or a path."""
    options: dict[str, str]

    @property
    def name(self) -> str:
        """The registered name, or the whole path."""
        head, colon, _ = self.target.partition(":")
        return head if colon and _LABEL.fullmatch(head) else self.target

    @property
    def argument(self) -> str | None:
        """What follows the colon after a name."""
        return self.target[len(self.name) + 1 :] or None

    def __str__(self) -> str:
        options = ",".join(f"{key}={value}" for key, value in sorted(self.options.items()))
        label = f"{self.label}=" if self.label else ""
        target = f'"{self.target}"' if re.search(r"[\[\],]", self.target) else self.target
        return label + target + (f"[{options}]" if options else "")


def split(texts: Iterable[str]) -> list[str]:
    """Split `a,b[c=1,d=2]` at its outer commas, and join what a repeated flag gave."""
    return [item for text in texts for item in _outer_items(text)]


def parse(text: str) -> Selection:
    """Read one item.

    Raises:
        UsageError: when brackets, an option or a name are malformed.
    """
    head, options = _take_options(text.strip())
    label, equals, target = head.partition("=")
    if not equals:
        label, target = "", head
    elif not _LABEL.fullmatch(label):
        raise UsageError(f"malformed name in '{text}'", got=label, expected="letters, digits and . _ + -")
    target = target.replace('"', "")
    if not target:
        raise UsageError(f"nothing is selected by '{text}'", expected="name, name[option=value] or own=name")
    return Selection(label or None, target, options)


def _take_options(text: str) -> tuple[str, dict[str, str]]:
    if not text.endswith("]"):
        if "[" in _unquoted(text) and "]" not in _unquoted(text):
            raise UsageError(f"unclosed bracket in '{text}'", expected="name[option=value]", remedy=_QUOTE)
        return text, {}
    start = _unquoted(text).find("[")
    if start < 0:
        raise UsageError(f"unopened bracket in '{text}'", expected="name[option=value]", remedy=_QUOTE)
    return text[:start], dict(_option(item, text) for item in _outer_items(text[start + 1 : -1]))


def _option(item: str, text: str) -> tuple[str, str]:
    key, equals, value = item.partition("=")
    if not equals or not key.strip():
        raise UsageError(f"malformed option in '{text}'", got=item, expected="option=value", remedy=_QUOTE)
    return key.strip(), value.strip()


def _outer_items(text: str) -> list[str]:
    items, depth = [""], 0
    for character, bare in zip(text, _unquoted(text), strict=True):
        depth += {"[": 1, "]": -1}.get(bare, 0)
        if bare == "," and depth == 0:
            items.append("")
        else:
            items[-1] += character
    return [item.strip() for item in items if item.strip()]


def _unquoted(text: str) -> str:
    """Return a text of the same length in which what stands in double quotes is blank."""
    return re.sub(r'"[^"]*"', lambda quoted: " " * len(quoted[0]), text)
