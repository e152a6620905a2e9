"""The Inception network of `pytorch-fid`, whose features FID and KID compare."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from bench.assets.declare import Address, Asset
from bench.networks.imagenet import LICENCE

INCEPTION = Asset(
    "pytorch-fid/pt_inception-2015-12-05-6726825d.pth",
    f"Apache-2.0; {LICENCE}",
    95_628_359,
    "6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2",
    (
        Address(
            "https://github.com/mseitzer/pytorch-fid/releases/download/fid_weights/"
            "pt_inception-2015-12-05-6726825d.pth"
        ),
    ),
)


def inception_network(state: Mapping[str, Tensor], dimensions: int) -> Any:
    """Return `pytorch-fid`'s network up to the layer of a width."""
    from pytorch_fid.inception import InceptionV3

    with _in_place_of_download(state):
        network = InceptionV3([InceptionV3.BLOCK_INDEX_BY_DIM[dimensions]])
    return network.eval().to(memory_format=torch.channels_last)  # measured on the CPU: 0.6 of the time


@contextmanager
def _in_place_of_download(state: Mapping[str, Tensor]) -> Iterator[None]:
    """Answer the download in the network's constructor with weights that were verified here."""
    from pytorch_fid import inception as module

    original = module.load_state_dict_from_url
    module.load_state_dict_from_url = lambda *_, **__: state
    try:
        yield
    finally:
        module.load_state_dict_from_url = original
