"""Damage to small valid files: flipped bits, truncation, pieces dropped, repeated and swapped, huge sizes."""

from __future__ import annotations

import re
import struct
from collections.abc import Sequence

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

NUMBERS = (
    0,
    1,
    2,
    4,
    255,
    0x7FFF,
    0xFFFF,
    1 << 20,
    0x7FFFFFFF,
    0x80000000,
    0xFFFFFFFF,
    1 << 40,
    (1 << 63) - 1,
    (1 << 64) - 1,
)
TEXTS = (
    b"0",
    b"-1",
    b"1e309",
    b"nan",
    b"4294967296",
    b"99999999999999999999",
    b"9" * 4400,
    b"",
    b"../../x",
    b"\0",
    b"\xff",
)
ORDERS = ("<B", ">B", "<H", ">H", "<I", ">I", "<Q", ">Q")
DIGITS = re.compile(rb"\d+")


@st.composite
def mutated(draw: DrawFn, seeds: Sequence[bytes], most: int = 5) -> bytes:
    """Draw one of the seeds with a few of these damages."""
    content = bytearray(draw(st.sampled_from(seeds)))
    for _ in range(draw(st.integers(1, most))):
        damage = draw(st.sampled_from(DAMAGES))
        content = damage(draw, content or bytearray(b"\0"), seeds)
    return bytes(content)


def _at(draw: DrawFn, content: bytearray) -> int:
    return draw(st.integers(0, len(content) - 1))


def _flip(draw: DrawFn, content: bytearray, seeds: Sequence[bytes]) -> bytearray:
    content[_at(draw, content)] ^= 1 << draw(st.integers(0, 7))
    return content


def _number(draw: DrawFn, content: bytearray, seeds: Sequence[bytes]) -> bytearray:
    form, value, at = draw(st.sampled_from(ORDERS)), draw(st.sampled_from(NUMBERS)), _at(draw, content)
    packed = struct.pack(form, value & (256 ** struct.calcsize(form) - 1))
    content[at : at + len(packed)] = packed
    return content


def _text(draw: DrawFn, content: bytearray, seeds: Sequence[bytes]) -> bytearray:
    found = list(DIGITS.finditer(content))
    if not found:
        return _flip(draw, content, seeds)
    begin, end = draw(st.sampled_from(found)).span()
    content[begin:end] = draw(st.sampled_from(TEXTS))
    return content


def _cut(draw: DrawFn, content: bytearray, seeds: Sequence[bytes]) -> bytearray:
    return content[: _at(draw, content)]


def _drop(draw: DrawFn, content: bytearray, seeds: Sequence[bytes]) -> bytearray:
    at = _at(draw, content)
    del content[at : at + draw(st.integers(1, 32))]
    return content


def _repeat(draw: DrawFn, content: bytearray, seeds: Sequence[bytes]) -> bytearray:
    at, length = _at(draw, content), draw(st.integers(1, 64))
    content[at:at] = content[at : at + length] * draw(st.sampled_from((1, 2, 30)))
    return content


def _splice(draw: DrawFn, content: bytearray, seeds: Sequence[bytes]) -> bytearray:
    other = bytearray(draw(st.sampled_from(seeds)))
    return content[: _at(draw, content)] + other[_at(draw, other) :]


def _insert(draw: DrawFn, content: bytearray, seeds: Sequence[bytes]) -> bytearray:
    at = _at(draw, content)
    content[at:at] = draw(st.binary(min_size=1, max_size=8))
    return content


DAMAGES = (_flip, _flip, _number, _number, _text, _cut, _drop, _repeat, _splice, _insert)


def either(*strategies: SearchStrategy[bytes]) -> SearchStrategy[bytes]:
    """Draw from any of these."""
    return st.one_of(*strategies)
