"""The ncnn reader on files packed by hand: what it reads, and every way in which a file can be wrong."""

from __future__ import annotations

import struct

import numpy as np
import pytest

from bench.assets.fetch import fetch
from bench.base.errors import AssetError
from methods.esrgan import read_ncnn
from methods.esrgan.ncnn_file import read_convolutions
from methods.esrgan.weights import BIN, PARAM

HALF, FULL = struct.pack("<I", 0x01306B47), struct.pack("<I", 0)
RNG = np.random.default_rng(0)
FIRST = RNG.normal(size=(1, 3, 1, 1)).astype(np.float16)  # 6 bytes: padded to 8
SECOND = RNG.normal(size=(2, 1, 3, 3)).astype(np.float32)
BIASES = [np.array([0.5], np.float32), np.array([-1.0, 2.0], np.float32)]

TEXT = """7767517
4 5
Input            data    0 1 data
Convolution      first   1 1 data 1 0=1 1=1 5=1 6=3 9=2 -23310=1,2.000000e-01
Split            split   1 1 1 2
Convolution      second  1 1 2 3 0=2 1=3 4=1 5=1 6=18
"""
NUMBERS = HALF + FIRST.tobytes() + b"\0\0" + BIASES[0].tobytes() + FULL + SECOND.tobytes() + BIASES[1].tobytes()


def _read(tmp_path, text=TEXT, numbers=NUMBERS):
    param, weights = tmp_path / "net.param", tmp_path / "net.bin"
    param.write_text(text)
    weights.write_bytes(numbers)
    return read_convolutions(param, weights)


def test_half_and_full_precision_are_read(tmp_path):
    (first, first_bias), (second, second_bias) = _read(tmp_path)
    np.testing.assert_array_equal(first, FIRST.astype(np.float32))
    np.testing.assert_array_equal(second, SECOND)
    np.testing.assert_array_equal(first_bias, BIASES[0])
    np.testing.assert_array_equal(second_bias, BIASES[1])
    assert {array.dtype for array in (first, second, first_bias)} == {np.dtype(np.float32)}


@pytest.mark.parametrize("length", range(len(NUMBERS)))
def test_every_truncation_is_found(tmp_path, length):
    with pytest.raises(AssetError, match=r"net\.bin is not a usable ncnn file"):
        _read(tmp_path, numbers=NUMBERS[:length])


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("7767517", "7767518", "got '7767518' on its first line, expected 7767517"),
        ("4 5", "5 5", "got 4 layers, expected 5"),
        ("4 5\n", "", "got 3 layers, expected Input"),
        ("0=2 1=3", "0=4000000000 1=3", "got 18 weights for 4000000000 outputs of 3x3"),
        ("6=18", "6=17", "got 17 weights for 2 outputs of 3x3"),
        ("6=18", "6=36", "bytes at offset"),
        ("6=18", "6=-18", "got -18 weights"),
        ("1=3 4=1 5=1 6=18", "4=1 5=1 6=18", "expected its outputs"),
        ("0=2", "0=two", "expected its outputs"),
    ],
)
def test_a_tampered_text_is_found(tmp_path, old, new, words):
    with pytest.raises(AssetError, match=words):
        _read(tmp_path, text=TEXT.replace(old, new, 1))


def test_an_empty_text_is_found(tmp_path):
    with pytest.raises(AssetError, match=r"net\.param is not a usable ncnn file: got '' on its first line"):
        _read(tmp_path, text="")


def test_an_unknown_tag_is_found(tmp_path):
    with pytest.raises(AssetError, match="got weight tag 0xd4b38 at offset 0"):
        _read(tmp_path, numbers=struct.pack("<I", 0x000D4B38) + NUMBERS[4:])


def test_bytes_after_the_end_are_found(tmp_path):
    with pytest.raises(AssetError, match="got 4 bytes after the last convolution, expected none"):
        _read(tmp_path, numbers=NUMBERS + b"more")


def test_a_missing_file_is_found(tmp_path):
    with pytest.raises(AssetError, match=r"nowhere\.param cannot be read: got No such file"):
        read_convolutions(tmp_path / "nowhere.param", tmp_path / "nowhere.bin")


def test_another_network_is_no_rrdbnet(tmp_path):
    _read(tmp_path)
    with pytest.raises(AssetError, match="is not an RRDBNet of 64 channels and 23 blocks: got 2 convolutions"):
        read_ncnn(tmp_path / "net.param", tmp_path / "net.bin")


def test_the_embedded_files_hold_351_convolutions():
    found = read_convolutions(fetch(PARAM), fetch(BIN))
    assert len(found) == 351
    assert sum(weight.size + bias.size for weight, bias in found) == 16_697_987
