"""Filenames for names that come from anywhere: archives, databases, other people's disks."""

import hashlib
import re
import unicodedata

MAX_BYTES = 180


def safe_filename(name: str) -> str:
    """Return a filename without suffix for an image: readable, the same on every system, and inside its folder.

    Letters and digits of any script, spaces and `_ - . ( ) ' + ,` stay; everything else and a leading dot or space
    become `%XX` of their UTF-8 bytes, so that `urllib.parse.unquote` gives the name back. A name too long for a
    file system is cut and ends in a digest of the whole.
    """
    safe = "".join(
        character if _is_plain(character) and (place or character not in " .") else _percent(character)
        for place, character in enumerate(name)
    )
    if len(safe.encode()) <= MAX_BYTES:
        return safe or "%"
    whole = hashlib.sha256(name.encode("utf-8", "surrogateescape")).hexdigest()[:16]
    cut = safe.encode()[: MAX_BYTES - 18].decode("utf-8", "ignore")
    return f"{re.sub('%.?$', '', cut)}%~{whole}"


def printable(text: str) -> str:
    """Return text that UTF-8 can hold: bytes of a filename that were no UTF-8 become the replacement character."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def is_inside(name: str) -> bool:
    """Say whether a relative path stays in the folder that it starts from, on every system."""
    parts = re.split(r"[/\\\\]", name)
    return not (name.startswith(("/", "\\")) or ".." in parts or ":" in parts[0] or "\0" in name)


def _is_plain(character: str) -> bool:
    return unicodedata.category(character)[0] in "LMN" or character in " _-.()'+,"


def _percent(character: str) -> str:
    return "".join(f"%{byte:02X}" for byte in character.encode("utf-8", "surrogateescape"))
