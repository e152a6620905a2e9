"""The pictures of a page that is one file: thumbnails and plots as data, small enough to send."""

import base64
import io
import logging
from collections.abc import Iterable, Mapping
from pathlib import Path

from PIL import Image

from bench.images.previews import METHOD, QUALITY, SIDE, small
from reports.plots.draw import Plot

BUDGET = 17_500_000  # bytes before base64: with the page itself a file under 25 MB
_SIDES = (SIDE, 192, 144, 112, 80, 56, 40)
log = logging.getLogger(__name__)


def thumbnails(files: Iterable[Path]) -> dict[Path, str]:
    """Return thumbnails as `data:` addresses: as they are if they fit into the budget, else smaller ones."""
    contents = {path: path.read_bytes() for path in files if path.is_file()}
    for side in _SIDES[1:]:
        if _size(contents) <= BUDGET:
            break
        contents = {path: _shrunk(path, side) for path in contents}
        log.warning("the thumbnails of one file are made smaller, to %d pixels", side)
    return {path: address(content, "image/webp") for path, content in contents.items()}


def with_contents(plot: Plot) -> Plot:
    """Return a plot with addresses that hold the plot itself."""
    light, dark = (address(drawn.encode(), "image/svg+xml") for drawn in (plot.drawn.light, plot.drawn.dark))
    return plot._replace(light=light, dark=dark)


def address(content: bytes, kind: str) -> str:
    """Return a file's content as an address.

    Args:
        content: of the file.
        kind: its media type.
    """
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def _size(contents: Mapping[Path, bytes]) -> int:
    return sum(map(len, contents.values()))


def _shrunk(path: Path, side: int) -> bytes:
    buffer = io.BytesIO()
    with Image.open(path) as image:
        small(image, side).save(buffer, "WEBP", quality=QUALITY, method=METHOD)
    return buffer.getvalue()
