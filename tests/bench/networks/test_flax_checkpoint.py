"""A checkpoint is data: what would call something is refused before it is called."""

import os
import pickle

import numpy as np
import pytest
import torch

from bench.base.errors import AssetError
from bench.networks.flax_checkpoint import read_convolutions, read_tree


class Calls:
    def __reduce__(self):
        return os.mkdir, ("called",)


def tree(**more):
    convolution = {"kernel": np.arange(54, dtype=np.float32).reshape(3, 3, 3, 2), "bias": np.ones(2, np.float32)}
    return {"Net_0": {"Conv_0": convolution}, "NetLinLayer_0": {"Conv_0": {"kernel": np.zeros(1)}}, **more}


def test_convolutions_are_read_by_torchvisions_names(tmp_path) -> None:
    path = tmp_path / "a.ckpt"
    path.write_bytes(pickle.dumps(tree()))
    values = read_convolutions(path, [7])
    assert list(values) == ["features.7.weight", "features.7.bias"]
    assert values["features.7.weight"].shape == (2, 3, 3, 3)
    assert values["features.7.weight"][1, 2, 0, 1] == tree()["Net_0"]["Conv_0"]["kernel"][0, 1, 2, 1]
    assert torch.equal(values["features.7.bias"], torch.ones(2))


@pytest.mark.parametrize("content", [tree(more=Calls()), tree(more=os.getcwd), tree(more=np.array([Calls()]))])
def test_what_calls_something_is_refused_and_not_called(content, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "a.ckpt"
    path.write_bytes(pickle.dumps(content))
    with pytest.raises(AssetError, match=r"is no pickle of arrays alone.*it asks for posix\.(mkdir|getcwd)"):
        read_tree(path)
    assert not (tmp_path / "called").exists()


@pytest.mark.parametrize("content", [b"", b"<html>", pickle.dumps(tree())[:-9]])
def test_a_damaged_file_is_one_sentence(content, tmp_path) -> None:
    path = tmp_path / "a.ckpt"
    path.write_bytes(content)
    with pytest.raises(AssetError, match="is no pickle of arrays alone"):
        read_tree(path)


def test_another_network_is_refused(tmp_path) -> None:
    path = tmp_path / "a.ckpt"
    path.write_bytes(pickle.dumps(tree()))
    with pytest.raises(AssetError, match="has not the 2 convolutions expected"):
        read_convolutions(path, [0, 3])
