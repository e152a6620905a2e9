"""A diffusion prior: a UNet of `diffusers` with its noise levels, read from a released file or from a folder.

A folder is what `diffusers` saves: `config.json` and `scheduler_config.json` beside the weights, or a pipeline's,
with `unet/` and `scheduler/`. Nothing in a file is run: weights are plain tensors, configurations are JSON.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from bench import Asset, AssetError, Size, Unavailable, UsageError, fetch
from bench.base.errors import unknown
from methods.ddrm.published import CONFIG, RELEASED, SCHEDULE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import torch
    from torch import Tensor

_WEIGHTS = ("diffusion_pytorch_model.safetensors", "diffusion_pytorch_model.bin")
_FORMER_NAMES = {"query": "to_q", "key": "to_k", "value": "to_v", "proj_attn": "to_out.0"}
"""Of the layers of an attention, before version 0.14 of diffusers."""


class Description(NamedTuple):
    """What the configurations of a prior say."""

    weights: Asset | Path
    config: Mapping[str, Any]
    """Of the UNet."""
    schedule: Mapping[str, Any]
    """Of the noise levels."""
    files: Sequence[Asset | Path]

    @property
    def size(self) -> Size:
        """The size of its images."""
        side = self.config.get("sample_size")
        height, width = (side, side) if isinstance(side, int) else side or (0, 0)
        return height, width


def describe(prior: str) -> Description:
    """Find the files of a prior, and read what they say of it.

    Args:
        prior: the name of a released one, or a folder.

    Raises:
        UsageError: when it is neither.
        AssetError: when the folder lacks a file, or holds no prior of RGB images.
    """
    if release := RELEASED.get(prior):
        return Description(release.asset, CONFIG, SCHEDULE, (release.asset,))
    folder = Path(prior).expanduser()
    if not folder.is_dir():
        if folder.parent != Path():
            raise UsageError(f"no prior at {prior}", expected="a folder of diffusers, or a released name")
        raise unknown("prior of ddrm", prior, RELEASED)
    unet, scheduler = (place if place.is_dir() else folder for place in (folder / "unet", folder / "scheduler"))
    weights = next((unet / name for name in _WEIGHTS if (unet / name).is_file()), unet / _WEIGHTS[0])
    config, schedule = unet / "config.json", scheduler / "scheduler_config.json"
    description = Description(weights, _read_json(config), _read_json(schedule), (config, schedule, weights))
    if not weights.is_file():
        raise AssetError(f"prior {folder} lacks its weights", expected=" or ".join(_WEIGHTS))
    _check(description, folder)
    return description


def _read_json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(content, dict):
            raise TypeError("no table")
    except (OSError, ValueError, TypeError, RecursionError) as error:
        expected = "the JSON that diffusers writes"
        raise AssetError(f"configuration {path} of a prior cannot be read: {error}", expected=expected) from error
    return content


def _check(description: Description, folder: Path) -> None:
    """Refuse what this sampler would read wrongly."""
    config, schedule = description.config, description.schedule
    kind, learned = config.get("_class_name"), str(schedule.get("variance_type")).startswith("learned")
    channels, outputs = (config.get("in_channels", 3), config.get("out_channels", 3)), 6 if learned else 3
    if kind != "UNet2DModel":
        raise AssetError(f"prior {folder} is of another kind", got=kind, expected="UNet2DModel, without condition")
    if channels != (3, outputs):
        what = f"prior {folder} is none of RGB images with {'a learned' if learned else 'a fixed'} variance"
        raise AssetError(what, got=f"{channels[0]} channels in, {channels[1]} out", expected=f"3 and {outputs}")
    if config.get("num_class_embeds") or config.get("class_embed_type"):
        raise AssetError(f"prior {folder} needs a class", expected="an unconditional UNet2DModel")
    if (kind := schedule.get("prediction_type", "epsilon")) not in ("epsilon", "v_prediction", "sample"):
        expected_kinds = "epsilon, v_prediction or sample"
        raise AssetError(f"prior {folder} predicts something else", got=kind, expected=expected_kinds)


@dataclass(frozen=True)
class Prior:
    """A loaded prior."""

    network: torch.nn.Module
    alphas: Tensor
    """The products of 1 - beta, float64, (T,)."""
    prediction: str
    """What the network predicts: `epsilon`, `v_prediction` or `sample`."""

    def predict(self, x: Tensor, t: int) -> Tensor:
        """Return the image that is predicted from a state x_t (N, 3, H, W)."""
        alpha = float(self.alphas[t])
        output = self.network(x, t).sample[:, :3]  # a learned variance follows: the sampler has its own
        match self.prediction:
            case "sample":
                image: Tensor = output
            case "v_prediction":
                image = alpha**0.5 * x - (1 - alpha) ** 0.5 * output
            case _:
                image = (x - (1 - alpha) ** 0.5 * output) / alpha**0.5
        return image


def load(description: Description, device: torch.device) -> Prior:
    """Read a prior; every weight has a place, every place a weight.

    Raises:
        Unavailable: without `diffusers`.
        AssetError: when its files cannot be had, or do not fit.
    """
    import torch

    from methods.shared import state_dicts, state_files

    try:
        from diffusers import DDPMScheduler, UNet2DModel
    except ImportError as error:
        remedy = "pip install 'glean-bench[diffusion]'"
        raise Unavailable("ddrm needs the Python package diffusers", remedy=remedy) from error
    path = description.weights if isinstance(description.weights, Path) else fetch(description.weights)
    tensors = {_modern(name): tensor for name, tensor in state_files.read(path).items()}
    with state_files.building(path, "UNet2DModel"):
        with torch.device("meta"):
            network = UNet2DModel.from_config(dict(description.config))
        alphas = DDPMScheduler.from_config(dict(description.schedule)).betas.double()
        state_dicts.load_strict(network, tensors, path, "UNet2DModel of its configuration")
    network.requires_grad_(False).eval().to(device)
    prediction = description.schedule.get("prediction_type", "epsilon")
    return Prior(network, (1 - alphas).cumprod(0), prediction)


def _modern(name: str) -> str:
    *place, layer, kind = name.split(".")
    return ".".join([*place, _FORMER_NAMES.get(layer, layer), kind]) if "attentions" in place else name
