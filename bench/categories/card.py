"""A category's card: one TOML file that says what it is, where its images come from and which are held out."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.base import toml
from bench.base.errors import UsageError
from bench.base.files import suite_datasets
from bench.base.source import MOST_IMAGES, Source
from bench.categories.sources.local import LocalSource
from bench.images.listing import natural_key
from bench.images.prepare import parse_preparation
from bench.registry import SOURCES


@dataclass(frozen=True)
class HeldOut:
    """Which images are compared on, and in which order: a list, a range of numbers, or a rule.

    Attributes:
        names: the list itself.
        range: the first and the last number, written as the files are.
        start: nothing that comes before this name, digits compared as numbers.
        count: no more than this, in the source's order.
    """

    names: tuple[str, ...] = ()
    range: tuple[str, ...] = ()
    start: str = ""
    count: int | None = None

    def choose(self, available: Callable[[], Sequence[str]]) -> list[str]:
        """Return the held-out names; only a rule looks at what is available."""
        if self.names:
            return list(self.names)
        if self.range:
            first, last = self.range
            return [f"{number:0{len(first)}d}" for number in range(int(first), int(last) + 1)]
        start = natural_key(self.start)
        return [name for name in available() if not self.start or natural_key(name) >= start][: self.count]


@dataclass(frozen=True)
class Card:
    """What a card says, key by key."""

    name: str
    file: Path
    title: str
    about: str
    """What a reader of a report must know."""
    licence: str
    how_to_get: str
    source: str
    """`local`, data that a person has got, or another name of `bench.registry.SOURCES`."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """The source's own."""
    kind: str | None = None
    data_set: str | None = None
    """Of which data set its images are training data: a method that was trained on it has seen them."""
    prepare: str = "none"
    lr_only: bool = False
    held_out: HeldOut = HeldOut()
    references: str = ""
    """Images that a method may see beside the LR: a file for all, a folder or archive with some for each image by
    its name (NAME, NAME_1, NAME_2, ...), or `same`: another image of the list, drawn by the run's seed."""
    hr_as_reference: bool = False
    """Whether a reference may be the HR itself, for an upper bound."""
    digests: Mapping[str, str] = field(default_factory=dict)
    """Published pixel digests of prepared images, by name."""

    def open(self) -> Source:
        """Return its source, which opens nothing before its images are asked for.

        Raises:
            UsageError: when the settings are not those of the source.
        """
        where = f"settings of card {self.file}"
        if self.source == "local":
            own = {"category": self.name, "how_to_get": self.how_to_get, "folder": self.file.parent}
            return toml.build(LocalSource, self.settings, where, **own)
        SOURCES.find(self.source, f"source of card {self.file}")
        return toml.build(SOURCES.load(self.source), self.settings, where)


def card_files() -> dict[str, Path]:
    """Return the files of the suite's cards by name, from the installed package or else from the checkout."""
    return {path.stem: path for path in sorted(suite_datasets().glob("*.toml"))}


def read_cards() -> dict[str, Card]:
    """Return the suite's cards by name."""
    return {name: read_card(path, name) for name, path in card_files().items()}


def read_card(path: Path, name: str) -> Card:
    """Read a card for the category of this name.

    Raises:
        UsageError: when the file cannot be read, or a key is unknown, missing or cannot mean anything.
    """
    card = toml.build(Card, toml.read(path), f"card {path}", name=name, file=path)
    card.open()
    parse_preparation(card.prepare)
    _check(card.held_out, f"held_out of card {path}")
    return card


def _check(held_out: HeldOut, where: str) -> None:
    ends = held_out.range
    if ends and not (len(ends) == 2 and all(end.isdecimal() and len(end) < 20 for end in ends)):
        expected = "the first and the last number, as texts"
        raise UsageError(f"range of {where}", got=list(ends), expected=expected)
    if ends and int(ends[1]) - int(ends[0]) >= MOST_IMAGES:
        raise UsageError(
            f"range of {where} is too long", got=list(ends), expected=f"at most {MOST_IMAGES:,} images"
        )
    if held_out.count is not None and held_out.count < 1:
        raise UsageError(f"count of {where}", got=held_out.count, expected="at least 1")
