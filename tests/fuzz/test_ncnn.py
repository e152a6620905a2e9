"""ncnn texts and numbers of any kind: float32 arrays or an `AssetError`."""

from __future__ import annotations

import struct

import numpy as np
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from tests.fuzz.child import Job
from tests.fuzz.mutations import mutated

HALF, FULL = struct.pack("<I", 0x01306B47), struct.pack("<I", 0)
PARAM = b"""7767517
4 5
Input            data    0 1 data
Convolution      first   1 1 data 1 0=1 1=1 5=1 6=3 9=2 -23310=1,2.000000e-01
Split            split   1 1 1 2
Convolution      second  1 1 2 3 0=2 1=3 4=1 5=1 6=18
"""
NUMBERS = HALF + np.ones(3, "<f2").tobytes() + b"\0\0" + bytes(4) + FULL + np.ones(18, "<f4").tobytes() + bytes(8)
COUNTS = st.one_of(
    st.integers(1, 20).map(str),
    st.sampled_from(["0", "-1", "3.5", "1e3", "", "٣", "1_0", "4294967297", str(2**64), "9" * 4400, "1=2"]),
)


def job(target: str):
    return lambda param, numbers: Job(target, {"net.param": param, "net.bin": numbers})


@st.composite
def texts(draw: DrawFn) -> bytes:
    """Draw a text of layers whose counts may be anything."""
    rows = []
    for _ in range(draw(st.integers(0, 5))):
        kind = draw(st.sampled_from(["Convolution", "Convolution", "Split", "Interp", "ConvolutionDepthWise", ""]))
        fields = [f"{key}={draw(COUNTS)}" for key in ("0", "1", "5", "6") if draw(st.integers(0, 9))]
        rows.append(f"{kind} {draw(st.text(max_size=4))} 1 1 a b {' '.join(fields)}")
    magic = draw(st.sampled_from(["7767517"] * 4 + ["", "7767518", "\ufeff7767517"]))
    declared = draw(st.one_of(st.just(str(len(rows))), COUNTS))
    end = draw(st.sampled_from(["\n", "\n", "\r\n", "\x0b"]))
    return end.join([magic, f"{declared} 9", *rows]).encode("utf-8", "surrogatepass")


@st.composite
def numbers(draw: DrawFn) -> bytes:
    """Draw tags and weights in any order."""
    pieces = st.sampled_from(
        [HALF, FULL, b"\x38\x4b\x0d\x00", bytes(4), bytes(6), b"\0\0", np.ones(9, "<f4").tobytes()]
    )
    return b"".join(draw(st.lists(pieces, max_size=12)))


def test_any_text(explore):
    explore(st.builds(job("ncnn"), texts(), st.one_of(st.just(NUMBERS), numbers())), 50)


def test_damaged_files(explore):
    damaged = st.one_of(
        st.tuples(mutated([PARAM]), st.just(NUMBERS)),
        st.tuples(st.just(PARAM), mutated([NUMBERS])),
        st.tuples(mutated([PARAM]), mutated([NUMBERS])),
    )
    explore(damaged.map(lambda pair: job("ncnn")(*pair)), 50)


def test_another_network_than_an_rrdbnet(explore):
    explore(st.builds(job("rrdbnet"), mutated([PARAM]), st.one_of(st.just(NUMBERS), mutated([NUMBERS]))), 3)


def test_the_whole_file_is_read(child):
    assert child.run(job("ncnn")(PARAM, NUMBERS)) == ("good", "2 convolutions")
