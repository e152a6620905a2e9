"""Categories: a kind of image with a held-out list, from a card or from a path that a person names.

faces                                  a card's name
celebahq=~/CelebA-HQ                   a card's list and preparation, on data that lie elsewhere
celeba256=celebahq[prepare=squash:256] a card under a name of your own
portraits=~/photos                     every image of a folder, .zip archive or LSUN database
mine=mine.toml                         a card of your own
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from bench.assets.declare import Asset
from bench.base import options
from bench.base.errors import UsageError, unknown
from bench.base.filenames import MAX_BYTES, printable, safe_filename
from bench.base.files import expand_path
from bench.base.seeds import image_seed
from bench.base.source import Source
from bench.base.types import Pixels
from bench.categories.card import Card, card_files, read_card
from bench.categories.references import SAME, ReferenceFiles
from bench.categories.sources.local import open_path
from bench.images.prepare import MOD_CROP, parse_preparation
from bench.networks.dlib import LANDMARKS_68
from bench.registry.selection import Selection, parse
from bench.store.records import EVERY


@dataclass(frozen=True)
class CategoryOptions:
    """What a selection may say of a category."""

    prepare: str = ""
    kind: str | None = None
    lr_only: bool = False
    references: str = ""
    hr_as_reference: bool = False


@dataclass(frozen=True)
class CategorySource:
    """A category whose images can be listed and read.

    An image is called by its safe name everywhere in a run; only the source knows the name it came with.
    """

    card: Card
    source: Source

    @property
    def name(self) -> str:
        """What the category is called, a safe folder name."""
        return self.card.name

    @property
    def has_hr(self) -> bool:
        """False when the images are the LR themselves."""
        return not self.card.lr_only

    @property
    def origin(self) -> str:
        """Where its images come from: an equal text says that it is the same place."""
        return self.source.origin()

    @cached_property
    def positions(self) -> Mapping[str, int]:
        """The place in the category's list of every image that the source has, by safe name."""
        present = set(self.source.names())
        return {safe: place for place, (safe, name) in enumerate(self._names.items()) if name in present}

    def list(self, limit: int | None = None) -> list[str]:
        """Return the safe names of the first held-out images, in the order of the list.

        Args:
            limit: how many, 0 for all; None for all but of a source of samples, which says how many are enough.

        Raises:
            UsageError: when the source holds no image, or lacks some of the list.
            Unavailable: when the data are not here.
        """
        images = list(self._names)[: self.limit(limit)]
        missing = [self._names[name] for name in images if name not in self.positions]
        if missing or not images:
            what = f"category {self.name} lacks {len(missing)} of {len(images)} images of its list"
            remedy = "complete the data, ask for fewer images, or give the folder a name of your own"
            raise UsageError(what, got=f"no {', '.join(missing[:3])}" if missing else None, remedy=remedy)
        return images

    def limit(self, asked: int | None) -> int:
        """Return how many of the first images a command asks for, `EVERY` for all; see `list`."""
        return (self.source.default_count if asked is None else asked) or EVERY

    def count(self) -> int:
        """Return how many images its list has."""
        return len(self._names)

    def read(self, image: str) -> Pixels:
        """Read an image and prepare it: the HR, or the LR in an LR-only category.

        Raises:
            ImageError: when it cannot be used.
        """
        return self.prepare(self.read_original(image), image)

    def read_original(self, image: str) -> Pixels:
        """Read an image as its source has it.

        Raises:
            ImageError: when it cannot be used.
        """
        if image not in self._names:
            raise unknown(f"image of category {self.name}", image, self._names)
        return self.source.read(self._names[image])

    def prepare(self, original: Pixels, image: str) -> Pixels:
        """Prepare an image of the source.

        Raises:
            ImageError: when it cannot be prepared.
        """
        return parse_preparation(self.card.prepare)(original, image)

    def references(self, image: str, seed: int) -> Mapping[str, Pixels]:
        """Read what a method may see beside an image, by name; `seed` is the run's.

        Raises:
            UsageError: when there is none.
            ImageError: when one cannot be used.
        """
        if self.card.references != SAME:
            return self._references.read(self._names[image], self.name)
        others = len(self._listed) - 1
        if not others:
            raise UsageError(f"category {self.name} has no other image for references={SAME}")
        place = image_seed(seed, image) % others
        drawn = self._listed[place + (place >= self.positions[image])]
        return {drawn: self.read(drawn)}

    def stamp(self, image: str) -> str:
        """Return a text that changes when a person may have changed the image's file."""
        return self.source.stamp(self._names[image])

    def content(self, image: str) -> str:
        """Return a digest of the image's file as it came; see `Source.content`."""
        return self.source.content(self._names[image])

    def expected_digest(self, image: str) -> str | None:
        """Return the published pixel digest of a prepared image, or None when there is none."""
        return self.card.digests.get(self._names.get(image, image))

    def assets(self) -> Sequence[Asset]:
        """Return the declared files that its source and its preparation need."""
        is_aligned = parse_preparation(self.card.prepare).how == "align-face"
        return [*self.source.assets(), *([LANDMARKS_68] if is_aligned else [])]

    @cached_property
    def _references(self) -> ReferenceFiles:
        return ReferenceFiles(Path(self.card.references))

    @cached_property
    def _listed(self) -> Sequence[str]:
        return tuple(self._names)

    @cached_property
    def _names(self) -> Mapping[str, str]:
        names = self.card.held_out.choose(self.source.names)
        return {safe_filename(name): name for name in (unicodedata.normalize("NFC", name) for name in names)}


def find_category(text: str) -> CategorySource:
    """Return the category that a selection names; its images are not looked for yet.

    Raises:
        UsageError: for an unknown category or option, or a path that holds no images.
    """
    selection = parse(text)
    changed: CategoryOptions = options.build(CategoryOptions, selection.options, f"category {selection.target}")
    card, source = _resolve(selection, is_lr=changed.lr_only)
    changes = {key: value for key, value in options.describe(changed).items() if key in selection.options}
    if changes.get("prepare", card.prepare) != card.prepare:
        parse_preparation(changes["prepare"])
        changes["digests"] = {}  # they were published for another preparation
    folder = Path() if "references" in changes else card.file.parent
    if (references := changes.get("references", card.references)) not in ("", SAME):
        place = folder / expand_path(references, f"references of category {selection.target}")
        changes["references"] = str(place.resolve())
    return CategorySource(replace(card, name=_name(selection), **changes), source)


def _resolve(selection: Selection, *, is_lr: bool) -> tuple[Card, Source]:
    cards, target, label = card_files(), selection.target, selection.label
    if target in cards:
        if label and _is_there(target):
            got, remedy = (
                f"'{target}', a card and a folder here",
                f"write {label}=./{target} for the folder, {target} alone for the card",
            )
            raise UsageError(f"category {label} can mean two things", got=got, remedy=remedy)
        card = read_card(cards[target], target)
        return card, card.open()
    if label is None:
        raise _unknown_category(target, cards)
    path = expand_path(target, f"category {label}")
    if path.suffix == ".toml":
        card = read_card(path, label)
        return card, card.open()
    source = open_path(path)
    if label not in cards:
        return _plain_card(label, path, is_lr=is_lr), source
    card = read_card(cards[label], label)
    if card.source != "local":
        remedy = f"give the folder another name: mine={target}"
        raise UsageError(f"category {label} brings its own images", got=target, remedy=remedy)
    return card, source


def _unknown_category(target: str, cards: Iterable[str]) -> UsageError:
    if _is_there(target):
        return UsageError(f"category {target} has no name", remedy=f"give it one: mine={target}")
    return unknown("category", target, cards)


def _is_there(target: str) -> bool:
    try:
        return expand_path(target, "a category").exists()
    except (UsageError, OSError):  # no such home folder; no name of a file at all
        return False


def _plain_card(name: str, path: Path, *, is_lr: bool) -> Card:
    about = f"Images that the user named: {printable(path.name)}."
    texts = (about, "the user's own", "They are the user's own.", "local")
    return Card(name, path, name, *texts, prepare="none" if is_lr else f"mod-crop:{MOD_CROP}")


def _name(selection: Selection) -> str:
    # Options make another category: it must not share a name with the card's own.
    name = selection.label or re.sub(r"[^\w+.-]+", "-", str(selection)).strip("-")
    if len(name.encode()) > MAX_BYTES:
        expected = f"at most {MAX_BYTES} bytes, as it becomes a folder"
        raise UsageError(f"category name {name[:40]}... is too long", expected=expected)
    return name
