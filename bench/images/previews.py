"""Small copies of the pictures of a run, made while restoring: what a report shows before anyone asks for more.

Each HR and SR image has a thumbnail, and each SR image is made LR again by the protocol, for a look at how far it
agrees with its input. Both carry the time of their image, so that an image that changes makes them anew. They can
always be made again and are no result: a crash may cost them, never the cell.
"""

import hashlib
import logging
import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from PIL import Image

from bench.base.errors import ImageError
from bench.base.types import Pixels
from bench.images.degradation import make_lr
from bench.images.png import PNG, load_png
from bench.store.layout import RunLayout

SIDE = 256
QUALITY = 75  # 9 kB a face: a page of 100 images, 6 methods and 3 factors inlines them in 25 MB
METHOD = 2  # measured at 256 x 256: 5 ms against 11 ms at Pillow's default 4, about 2 % larger
log = logging.getLogger(__name__)


class Preview(NamedTuple):
    """An image of a run and what is made from it."""

    source: Path
    thumbnail: Path
    redownsampled: Path | None
    """The image made LR again; None for HR."""
    factor: int


def of_hr(layout: RunLayout, source: Path) -> Preview:
    """Return the preview of a ground truth."""
    return Preview(source, layout.thumbnail(source), None, 1)


def of_sr(layout: RunLayout, source: Path, factor: int) -> Preview:
    """Return the preview of a restored image."""
    return Preview(source, layout.thumbnail(source), layout.redownsampled(source), factor)


def write(preview: Preview, image: Pixels) -> None:
    """Write what is made from an image that was just saved; a disk without room for it costs only the preview."""
    try:
        _write(preview, image)
    except OSError as error:
        log.warning("%s has no preview: %s", preview.source, error)


def refresh(previews: Iterable[Preview], workers: int | None = None) -> int:
    """Make what is missing or not from the image as it is now; Pillow decodes outside the GIL.

    A source that cannot be read is logged and left out: one damaged file must not cost the whole page.

    Returns:
        How many were made.
    """
    stale = [preview for preview in previews if not _is_fresh(preview)]
    with ThreadPoolExecutor(workers or os.cpu_count()) as pool:
        return sum(pool.map(_make, stale))


def small(image: Image.Image, side: int = SIDE) -> Image.Image:
    """Return a copy that fits into a square."""
    copy = image.convert("RGB")
    copy.thumbnail((side, side), Image.Resampling.LANCZOS, reducing_gap=2.0)
    return copy


def _targets(preview: Preview) -> list[Path]:
    return [preview.thumbnail, *([preview.redownsampled] if preview.redownsampled else [])]


def _is_fresh(preview: Preview) -> bool:
    try:
        changed = preview.source.stat().st_mtime_ns
        return all(target.stat().st_mtime_ns == changed for target in _targets(preview))
    except OSError:
        return False


def _make(preview: Preview) -> bool:
    try:
        _write(preview, load_png(preview.source))
    except (OSError, ImageError, Image.DecompressionBombError) as error:
        log.warning("%s has no preview: %s", preview.source, error)
        return False
    return True


def _write(preview: Preview, image: Pixels) -> None:
    changed = preview.source.stat().st_mtime_ns
    for target in _targets(preview):
        target.parent.mkdir(parents=True, exist_ok=True)
        # A name as long as the file system allows has no room for a suffix: write under another, then rename.
        part = target.with_name(f".{hashlib.sha256(os.fsencode(target.name)).hexdigest()[:16]}")
        try:
            _save(preview, target, image, part)
            os.utime(part, ns=(changed, changed))
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)


def _save(preview: Preview, target: Path, image: Pixels, path: Path) -> None:
    if target == preview.thumbnail:
        small(Image.fromarray(image, "RGB")).save(path, "WEBP", quality=QUALITY, method=METHOD)
    else:
        Image.fromarray(make_lr(image, preview.factor), "RGB").save(path, "PNG", **PNG)
