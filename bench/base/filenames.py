"""File stems for names that come from anywhere: archives, databases, other people's disks."""

from __future__ import annotations

import hashlib
import re
import unicodedata

MAX_BYTES = 180


def safe_filename(name: str) -> str:
    """Return a file stem for an image's name: readable, the same on every system, and inside its folder.

    Letters and digits of any script, spaces and `_ - . ( ) ' + ,` stay; everything else and a leading dot or space
    become `%XX` of their UTF-8 bytes, so that `urllib.parse.unquote` gives the name back. A name too long for a
    file system is cut and ends in a digest of the whole.
    """
    stem = "".join(
        character if _is_plain(character) and (place or character not in " .") else _percent(character)
        for place, character in enumerate(name)
    )
    if len(stem.encode()) <= MAX_BYTES:
        return stem or "%"
    whole = hashlib.sha256(name.encode("utf-8", "surrogateescape")).hexdigest()[:16]
    cut = stem.encode()[: MAX_BYTES - 18].decode("utf-8", "ignore")
    return f"{re.sub('%.?$', '', cut)}%~{whole}"


def _is_plain(character: str) -> bool:
    return unicodedata.category(character)[0] in "LMN" or character in " _-.()'+,"


def _percent(character: str) -> str:
    return "".join(f"%{byte:02X}" for byte in character.encode("utf-8", "surrogateescape"))
