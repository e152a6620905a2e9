"""The images that methods see beside an LR: read once a run, saved in it, and known again by their pixels."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from bench.base.errors import BenchError, UsageError
from bench.base.filenames import safe_filename
from bench.base.types import Pixels
from bench.categories.category import CategorySource
from bench.images import previews
from bench.images.png import load_png, pixel_digest, save_png
from bench.store.records import InputRecord
from bench.store.store import Store


class References(NamedTuple):
    """Those of one image."""

    paths: tuple[Path, ...] = ()
    digest: str | None = None
    """Of their names and pixels; a result belongs to the references that it was restored with."""
    problem: str | None = None
    """Why they cannot be used."""


def save_references(
    store: Store, sources: Iterable[CategorySource], inputs: Iterable[InputRecord], seed: int
) -> dict[tuple[str, str], References]:
    """Save the references of every image whose category names some, by category and image."""
    by_name = {source.name: source for source in sources if source.card.references}
    seen = {(r.category, r.image): r.file or r.image for r in inputs if r.category in by_name and not r.problem}
    hr_digests = {(image.category, image.image): image.digest for image in store.images() if image.has_hr}
    references, digests = {}, defaultdict[str, dict[str, str]](dict)
    for (category, image), file in seen.items():
        one = _save_those_of(store, by_name[category], image, file, seed, hr_digests.get((category, image)))
        references[category, image] = one
        if one.digest:
            digests[category][image] = one.digest
    with store.transaction():
        for category, of_images in digests.items():
            store.note_references(category, of_images)
    return references


def _save_those_of(  # noqa: PLR0917 (each is a part of one image)
    store: Store, source: CategorySource, image: str, file: str, seed: int, hr_digest: str | None
) -> References:
    try:
        images = source.references(image, seed)
        if not source.card.hr_as_reference:
            _refuse_hr(f"{source.name}/{image}", hr_digest, images)
    except BenchError as error:
        return References(problem=str(error))
    folder = store.layout.references(source.name, file)
    pixels = {folder / f"{safe_filename(name)}.png": reference for name, reference in images.items()}
    digests = {path: pixel_digest(reference) for path, reference in pixels.items()}
    saved = _saved(folder)
    for path in saved.keys() - pixels.keys():
        path.unlink()
    for path, reference in pixels.items():
        if saved.get(path) != digests[path]:
            save_png(reference, path)
            previews.write(previews.of_hr(store.layout, path), reference)
    return References(tuple(path.resolve() for path in pixels), references_digest(digests))


def references_digest(digests: Mapping[Path, str]) -> str:
    """Return one digest for references, by the digests of their pixels."""
    lines = sorted(f"{path.name} {digest}" for path, digest in digests.items())
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _saved(folder: Path) -> Mapping[Path, str]:
    return {path: _digest(path) for path in folder.glob("*.png")}


def _digest(path: Path) -> str:
    """Return the digest of a saved reference's pixels; of a damaged file, which is saved again, none."""
    try:
        return pixel_digest(load_png(path))
    except Exception:  # what a damaged PNG raises is of many kinds
        return ""


def _refuse_hr(where: str, hr_digest: str | None, references: Mapping[str, Pixels]) -> None:
    for name, pixels in references.items():
        if pixel_digest(pixels) == hr_digest:
            remedy = "name another, or declare it with hr_as_reference=true"
            raise UsageError(f"reference {name} of {where} is the HR itself", remedy=remedy)
