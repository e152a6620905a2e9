"""Load a network of any architecture that `spandrel` recognises, from a file that someone else made.

Files are read as plain weights only: nothing in them is ever executed. spandrel tells the architecture and its
hyperparameters from the keys and shapes.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Never

from bench import Asset, AssetError, UsageError
from bench.base.errors import one_line, unknown
from methods.shared.networks.cascade import Upscaler, tiled

if TYPE_CHECKING:
    import torch
    from spandrel import ArchRegistry
    from torch import Tensor, nn

TILE = 256  # the largest input that a 4x network sees on its way to 1024 pixels
OVERLAP = 32

WRAPPERS = (
    "generator_ema", "net_g_ema", "g_ema", "generator", "net_g", "netG",
    "params_ema", "_orig_mod", "module", "model", "network", "net", "state_dict", "params",
)  # fmt: skip
"""Under which frameworks keep a generator: mmagic, BasicSR, torch.compile, data parallel training, Lightning."""
_MOST_WRAPPERS = 4

FACE_NETWORKS = ("GFPGAN", "CodeFormer", "RestoreFormer")
"""By spandrel's ids. They take and return [-1, 1]; spandrel's own call feeds [0, 1] to the first two."""
FACE_SIDE = 512
EXTRA = "spandrel_extra_arches"
EXTRA_REMEDY = "install its package with: pip install 'glean-bench[codeformer]'"


def named_file(method: str, weights: str, released: Mapping[str, Asset]) -> Asset | Path:
    """Return the released file of a name, or the file at a path.

    Raises:
        UsageError: when it is neither.
    """
    if weights in released:
        return released[weights]
    path = Path(weights).expanduser()
    if path.is_file():
        return path
    if path.suffix:
        raise UsageError(f"no weight file at {weights}", expected=f"a file, or one of {', '.join(released)}")
    raise unknown(f"weights of {method}", weights, released)


def load(
    path: Path, device: torch.device, only: str | None = None, **options: float
) -> tuple[nn.Module, Upscaler]:
    """Load a network and return it with the way to run it on float32 RGB in [0, 1], (N, 3, h, w).

    Args:
        path: a .pth, .pt, .ckpt or .safetensors file of weights.
        device: where to run it.
        only: the one architecture to accept, by spandrel's id.
        options: what a face network takes beside the image (CodeFormer's `weight`).

    Raises:
        AssetError: when the file cannot be read safely, or holds no network from RGB to RGB images.
    """
    from spandrel import UnsupportedModelError

    registry = _registry()
    state = _plain(_read(path), path, registry)
    try:
        with _budget(state):
            model = registry.load(state)
    except UnsupportedModelError as error:
        remedy = None if find_spec(EXTRA) else f"if it is one with a licence of its own, {EXTRA_REMEDY}"
        what = f"{path} holds no architecture that spandrel recognises"
        raise AssetError(what, got=_sample(state), remedy=remedy) from error
    except Exception as error:  # architectures are derived from keys and shapes, which may be anything
        raise AssetError(f"{path} holds weights that fit no network: {one_line(error)[:200]}") from error
    _require_usable(path, model, only)
    model.model.requires_grad_(False).eval().to(device=device)
    return model.model, _upscaler(model, options)


def _registry() -> ArchRegistry:
    """Return spandrel's architectures, and where they are installed those with licences of their own."""
    from spandrel import MAIN_REGISTRY

    registry = MAIN_REGISTRY.copy()
    if find_spec(EXTRA):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # torch of some of its networks, when imported
            registry.add(*import_module(EXTRA).EXTRA_REGISTRY)
    return registry


def _upscaler(model: Any, options: dict[str, float]) -> Upscaler:
    from spandrel import ModelTiling

    if model.architecture.id in FACE_NETWORKS:
        network = model.model
        return Upscaler(lambda image: (network(image * 2 - 1, **options)[0] + 1) / 2, 1, FACE_SIDE)

    def forward(image: Tensor) -> Tensor:
        return model(image)

    if model.tiling is not ModelTiling.SUPPORTED:  # it needs to see the whole image
        return Upscaler(forward, model.scale)
    return Upscaler(lambda image: tiled(forward, image, model.scale, tile=TILE, overlap=OVERLAP), model.scale)


def _require_usable(path: Path, model: Any, only: str | None) -> None:
    from spandrel import ImageModelDescriptor

    architecture = model.architecture.id
    if only and architecture != only:
        raise AssetError(f"{path} is not {only}", got=architecture, remedy=f"use spandrel[weights={path}]")
    if not isinstance(model, ImageModelDescriptor) or (model.input_channels, model.output_channels) != (3, 3):
        raise AssetError(f"{path} holds no network from RGB to RGB images", got=architecture)


def _budget(state: dict[str, Any]) -> Any:
    """Return a context in which no network can be made that is much larger than the file that is to fill it.

    Sizes are derived from keys and shapes: `body.99999999.weight` would make a hundred million blocks.
    """
    from torch.overrides import TorchFunctionMode

    class Budget(TorchFunctionMode):
        tensors = 8 * len(state) + 1000
        numbers = 8 * sum(tensor.numel() for tensor in state.values() if hasattr(tensor, "numel")) + (1 << 26)

        def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            if getattr(func, "__name__", "") in ("empty", "zeros", "ones", "rand", "randn"):
                size = args[0] if args and not isinstance(args[0], int) else args
                self.tensors -= 1
                self.numbers -= math.prod(size)
                if min(self.tensors, self.numbers) < 0:
                    raise ValueError("the network that the keys speak of is far larger than the file")
            return func(*args, **(kwargs or {}))

    return Budget()


def _read(path: Path) -> dict[str, Any]:
    from methods.shared.state_files import load_content

    state = load_content(path)
    if not isinstance(state, dict):
        _refuse(path, f"it holds a {type(state).__name__}", None)
    return state


def _plain(content: dict[str, Any], path: Path, registry: ArchRegistry) -> dict[str, Any]:
    from torch import Tensor

    from methods.shared.state_files import check_plain

    try:
        state = _network(content, registry)
    except Exception as error:  # keys need not be texts
        _refuse(path, one_line(error)[:200], error)
    check_plain({str(key): value for key, value in state.items() if isinstance(value, Tensor)}, path)
    return state


def _network(state: dict[str, Any], registry: ArchRegistry) -> dict[str, Any]:
    """Unwrap the network itself from what a training framework saved, until spandrel recognises it."""
    from spandrel import canonicalize_state_dict

    for _ in range(_MOST_WRAPPERS):
        state = canonicalize_state_dict(state)
        # Asked before each step: CodeFormer has a part called `generator`, an old ESRGAN one called `model`.
        if any(support.detect(state) for support in registry) or not (inner := _unwrapped(state)):
            break
        state = inner
    return state


def _unwrapped(state: dict[str, Any]) -> dict[str, Any]:
    """Return what lies under the first known wrapper, as a dictionary or a prefix; nothing when there is none."""
    for name in WRAPPERS:
        if isinstance(inner := state.get(name), dict):
            return inner
        prefix = f"{name}."
        if part := {key.removeprefix(prefix): state[key] for key in state if key.startswith(prefix)}:
            return part
    return {}


def _refuse(path: Path, why: str, cause: Exception | None) -> Never:
    raise AssetError(
        f"{path} cannot be read as plain weights",
        got=why,
        expected="a state dict of tensors",
        remedy="save it again with torch.save(model.state_dict(), ...) or as .safetensors",
    ) from cause


def _sample(state: dict[str, Any]) -> str:
    return f"keys such as {', '.join(list(state)[:3])}" if state else "no keys"
