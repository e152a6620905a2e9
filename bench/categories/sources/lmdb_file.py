"""Read an LMDB database (data.mdb) without LMDB, whose library maps the file and may crash on a damaged one.

Only what a list of images needs: the one unnamed table of a 64-bit, little-endian database, its keys in order and
a value by key. Every page number, offset and length is checked against the file before it is followed. Format:
https://github.com/LMDB/lmdb/blob/LMDB_0.9.31/libraries/liblmdb/mdb.c (MDB_page, MDB_meta, MDB_node)
"""

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple, Self

_MAGIC, _VERSION = 0xBEEFC0DE, 1
_HEADER = 16
_BRANCH, _LEAF, _OVERFLOW = 0x01, 0x02, 0x04
_KINDS = _BRANCH | _LEAF | _OVERFLOW | 0x08 | 0x20
_BIG = 0x01
"""A value on pages of its own."""
_EMPTY = (1 << 64) - 1
_MOST_LEVELS = 32
_META = struct.Struct("<II16xI44x4xH26x8xQQQ")


def is_database(path: Path) -> bool:
    """Say whether a file begins as such a database does."""
    with path.open("rb") as file:
        return file.read(_HEADER + 4)[_HEADER:] == struct.pack("<I", _MAGIC)


class Damaged(ValueError):
    """The file is not what LMDB writes."""


class _Node(NamedTuple):
    key: bytes
    page: int
    """A branch's child."""
    size: int
    big: bool
    at: int
    """Where its value begins in its page."""


class Database:
    """An open database.

    Args:
        path: the file.

    Raises:
        OSError: when it cannot be read.
        Damaged: when it is no such database.
    """

    def __init__(self, path: Path) -> None:
        self._file: BinaryIO = path.open("rb")
        try:
            self._length = path.stat().st_size
            self._page_size, self._root = self._newest()
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def keys(self) -> Iterator[bytes]:
        """Yield every key, in the database's order."""
        if self._root != _EMPTY:
            yield from self._keys_below(self._root, 0, set())

    def get(self, key: bytes) -> bytes | None:
        """Return a value, None when there is no such key."""
        number = self._root
        for _ in range(_MOST_LEVELS):
            if number == _EMPTY:
                return None
            page, kind = self._page(number)
            nodes = self._nodes(page, kind)
            if kind == _LEAF:
                return next((self._value(page, node) for node in nodes if node.key == key), None)
            number = ([nodes[0].page] + [node.page for node in nodes[1:] if node.key <= key])[-1]
        raise Damaged("its tree has no end")

    def _newest(self) -> tuple[int, int]:
        """Return the page size, and the root of the later of two heads that are written in turn."""
        sizes = self._head(0)
        heads = [head for head in (sizes, self._head(sizes[0])) if head[0] == sizes[0]]
        return sizes[0], max(heads, key=lambda head: head[2])[1]

    def _head(self, at: int) -> tuple[int, int, int]:
        magic, version, size, flags, root, _, transaction = _META.unpack(self._read(at + _HEADER, _META.size))
        if (magic, version) != (_MAGIC, _VERSION):
            raise Damaged("it has no head of this format")
        if size not in (1 << power for power in range(9, 17)):
            raise Damaged(f"its pages are of {size} bytes")
        if flags:
            raise Damaged("it holds several values a key, or keys that are numbers")
        return size, root, transaction

    def _keys_below(self, number: int, level: int, seen: set[int]) -> Iterator[bytes]:
        if level >= _MOST_LEVELS or number in seen:
            raise Damaged("its tree has a loop")
        seen.add(number)
        page, kind = self._page(number)
        for node in self._nodes(page, kind):
            if kind == _LEAF:
                yield node.key
            else:
                yield from self._keys_below(node.page, level + 1, seen)

    def _page(self, number: int) -> tuple[bytes, int]:
        page = self._read(number * self._page_size, self._page_size)
        kind = struct.unpack_from("<H", page, 10)[0] & _KINDS
        if kind not in (_BRANCH, _LEAF):
            raise Damaged(f"page {number} is of no known kind")
        return page, kind

    def _nodes(self, page: bytes, kind: int) -> list[_Node]:
        (end,) = struct.unpack_from("<H", page, 12)
        if not _HEADER + (2 if kind == _BRANCH else 0) <= end <= len(page):
            raise Damaged("a page is fuller than it can be")
        places = struct.unpack_from(f"<{(end - _HEADER) // 2}H", page, _HEADER)
        return [_node(page, place) for place in places]

    def _value(self, page: bytes, node: _Node) -> bytes:
        if not node.big:
            return _slice(page, node.at, node.size)
        (number,) = struct.unpack("<Q", _slice(page, node.at, 8))
        head = self._read(number * self._page_size, _HEADER)
        if struct.unpack_from("<H", head, 10)[0] & _KINDS != _OVERFLOW:
            raise Damaged(f"page {number} holds no value")
        return self._read(number * self._page_size + _HEADER, node.size)

    def _read(self, at: int, size: int) -> bytes:
        if at + size > self._length:
            raise Damaged(f"it is cut short: {self._length} bytes, of which {at + size} are needed")
        self._file.seek(at)
        content = self._file.read(size)
        if len(content) != size:
            raise Damaged("it became shorter while it was read")
        return content


def _node(page: bytes, at: int) -> _Node:
    low, high, flags, length = struct.unpack("<HHHH", _slice(page, at, 8))
    size = low | high << 16
    return _Node(_slice(page, at + 8, length), size | flags << 32, size, bool(flags & _BIG), at + 8 + length)


def _slice(page: bytes, at: int, size: int) -> bytes:
    if at + size > len(page):
        raise Damaged("a page points outside itself")
    return page[at : at + size]
