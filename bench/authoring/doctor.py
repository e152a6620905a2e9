"""`bench doctor`: which packages and files are here, which are missing, and how to get them."""

import importlib.util
import sys
from collections.abc import Iterator

from bench.assets.declare import ByHand, home
from bench.assets.fetch import is_here
from bench.authoring.prepare import Need, needs

_EXTRAS = {
    "dlib": "identity",
    "insightface": "identity",
    "onnxruntime": "identity",
    "datasets": "sources",
    "accelerate": "train",
    "ray": "ray",
}
"""The packages that only some features need, and the extra that installs each."""


def doctor() -> Iterator[str]:
    """Yield what is here and what is missing, one line each."""
    yield f"Python {sys.version.split()[0]}; cache {home()}"
    yield _device_line()
    for module, extra in _EXTRAS.items():
        if importlib.util.find_spec(module) is None:
            yield f"missing   package {module}: pip install 'glean-bench[{extra}]'"
    yield from (_file_line(need) for need in needs())


def _device_line() -> str:
    import torch

    if not torch.cuda.is_available():
        return f"torch {torch.__version__}; no GPU: everything runs on the CPU"
    return f"torch {torch.__version__}; GPU {torch.cuda.get_device_name()}"


def _file_line(need: Need) -> str:
    asset = need.asset
    size = f"{asset.size / 1e6:.1f} MB" if asset.size else "size unknown"
    line = f"{asset.name} ({size}, {asset.licence}), for {', '.join(need.users)}"
    if is_here(asset):
        return f"here      {line}"
    source = asset.sources[0]
    return f"missing   {line}; {source}" if isinstance(source, ByHand) else f"missing   {line}; from {source}"
