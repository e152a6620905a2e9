"""What the page holds in itself: its style, its script and its data, and the policy that allows nothing else."""

import base64
import hashlib
import json
from importlib import resources
from typing import Any, NamedTuple

from markupsafe import Markup

_SCRIPTS = ("state.js", "tables.js", "grid.js", "compare_view.js", "compare_input.js", "start.js")


class Embedded(NamedTuple):
    """What stands in the page as it is."""

    policy: str
    style: Markup
    script: Markup
    data: Markup


def embedded(data: dict[str, Any], *, is_single: bool) -> Embedded:
    """Return the page's style, script and data.

    Args:
        data: for the script, plain values.
        is_single: whether the page holds its pictures itself, and therefore may load none.
    """
    style = _source("page.css")
    parts = "\n".join(_source(name) for name in _SCRIPTS)
    script = f'(() => {{\n"use strict";\n{parts}}})();\n'
    policy = _policy(style, script, "data:" if is_single else "'self' file: data:")
    return Embedded(policy, Markup(style), Markup(script), Markup(_json(data)))


def _source(name: str) -> str:
    return resources.files("reports.page").joinpath("templates", name).read_text(encoding="utf-8")


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
