"""The networks of LPIPS (Zhang et al., CVPR 2018), version 0.1: torchvision's trunks, the package's heads."""

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor

from bench.networks.imagenet import Classifier

Trunk = Literal["alex", "vgg", "squeeze"]
CLASSIFIERS: dict[Trunk, Classifier] = {"alex": "alexnet", "vgg": "vgg16", "squeeze": "squeezenet"}


def lpips_network(trunk: Trunk, state: Mapping[str, Tensor]) -> Any:
    """Return the `lpips` package's network with its heads and a trunk by torchvision's names."""
    import lpips

    with torch.device("meta"), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the package asks torchvision in a way that is no longer liked
        net = lpips.LPIPS(pretrained=False, pnet_rand=True, net=trunk, verbose=False)
    heads = Path(lpips.__file__).with_name("weights") / "v0.1" / f"{trunk}.pth"
    values = torch.load(heads, map_location="cpu", weights_only=True)
    for key in net.net.state_dict():  # slice3.6.weight, where torchvision says features.6.weight
        values[f"net.{key}"] = state[f"features.{key.partition('.')[2]}"]
    net.load_state_dict(values, strict=False, assign=True)
    return net.eval().requires_grad_(False)
