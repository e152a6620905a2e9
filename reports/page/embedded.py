"""What the page holds in itself: its style, its script and its data, and the policy that allows nothing else.

A page that is one file holds its pictures too: thumbnails and plots as data, small enough to send.
"""

import base64
import hashlib
import io
import json
import logging
from collections.abc import Iterable
from importlib import resources
from pathlib import Path
from typing import Any

from markupsafe import Markup
from PIL import Image

from bench.images.previews import METHOD, QUALITY, SIDE, small

BUDGET = 17_500_000  # bytes before base64: with the page itself a file under 25 MB
_TEMPLATES = resources.files("reports.page") / "templates"
_SIDES = (SIDE, 192, 144, 112, 80, 56, 40)
_SCRIPTS = (
    *(
        "state.js",
        "tables.js",
        "grid.js",
        "glance.js",
        "print.js",
        "compare_view.js",
        "compare_input.js",
        "start.js",
    ),
)
log = logging.getLogger(__name__)


def embedded(data: dict[str, Any], *, is_single: bool) -> dict[str, str]:
    """Return what stands in the page as it is: policy, style, script and data.

    Args:
        data: for the script, plain values.
        is_single: whether the page holds its pictures itself, and therefore may load none.
    """
    style, *scripts = (_TEMPLATES.joinpath(name).read_text(encoding="utf-8") for name in ("page.css", *_SCRIPTS))
    parts = "\n".join(scripts)
    script = f'(() => {{\n"use strict";\n{parts}}})();\n'
    policy = _policy(style, script, "data:" if is_single else "'self' file: data:")
    return {"policy": policy, "style": Markup(style), "script": Markup(script), "data": Markup(_json(data))}


def thumbnails(files: Iterable[Path]) -> dict[Path, str]:
    """Return thumbnails as `data:` addresses: as they are if they fit into the budget, else smaller ones."""
    contents = {path: path.read_bytes() for path in files if path.is_file()}
    for side in _SIDES[1:]:
        if sum(map(len, contents.values())) <= BUDGET:
            break
        contents = {path: _shrunk(path, side) for path in contents}
        log.warning("the thumbnails of one file are made smaller, to %d pixels", side)
    return {path: data_address(content, "image/webp") for path, content in contents.items()}


def data_address(content: bytes, kind: str) -> str:
    """Return a file's content as an address.

    Args:
        content: of the file.
        kind: its media type.
    """
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def _policy(style: str, script: str, pictures: str) -> str:
    """Allow this style, this script and its pictures; nothing from any host, nothing inline besides."""
    return (
        f"default-src 'none'; script-src '{_digest(script)}'; style-src '{_digest(style)}'; "
        f"img-src {pictures}; base-uri 'none'; form-action 'none'"
    )


def _digest(source: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()


def _json(data: dict[str, Any]) -> str:
    """Write JSON that cannot end its script element, whatever names it holds."""
    plain = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return plain.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def _shrunk(path: Path, side: int) -> bytes:
    buffer = io.BytesIO()
    with Image.open(path) as image:
        small(image, side).save(buffer, "WEBP", quality=QUALITY, method=METHOD)
    return buffer.getvalue()
