"""The suite's own weight files: a network's weights in half precision, and its metadata.

The metadata names the sizes of the network, the bank under it and how it was trained; it is read without torch.
It is trusted only when the network that it describes, built without memory, has the weights' names and shapes.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, is_dataclass
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar, get_origin, get_type_hints

from bench import AssetError
from bench.base.files import file_digest

if TYPE_CHECKING:
    from torch import Tensor, nn

    from bench import Bank

LARGEST = 16_384
"""No side, width or count of a network is larger."""
TRAINING_METRICS = "trained with"
"""In a history: the metrics whose network the training used."""
PHOTOGRAPHS = "photographs"
"""In a history: how many photographs the training saw beside the bank's samples; not in every shipped file."""
SAMPLES = "samples"
"""In a history: how many samples of the bank the training, and those that it went on from, could draw."""
PREVIOUS_STEPS = "steps before"
"""In a history: the steps of the trainings that this one went on from."""

_MALFORMED = (LookupError, AttributeError, TypeError, ValueError)
"""What reading a JSON of another form raises."""


@dataclass(frozen=True, kw_only=True)
class Metadata:
    """What a weight file says of itself. A method adds the sizes of its network."""

    resolution: int
    """Of the result."""
    history: dict[str, Any]
    """How it was trained: stage, steps, seconds, what it started from."""


@dataclass(frozen=True, kw_only=True)
class BankMetadata(Metadata):
    """What a weight file of a network over a bank says of itself."""

    bank: str
    """Its name."""
    digest: str = ""
    """Its sha256; empty in the shipped encoder of idinvert, which does not record it."""


def bank_fields(bank: Bank) -> dict[str, Any]:
    """Return the fields of a `BankMetadata` that name a bank."""
    return {"bank": bank.name, "resolution": bank.resolution, "digest": bank.digest}


M = TypeVar("M", bound=Metadata)
Network = TypeVar("Network", bound="nn.Module")


@dataclass(frozen=True)
class Kind(Generic[M]):
    """One method's weight files."""

    format: str
    """The method and a version, as the file has it."""
    method: str
    """Whose trainer writes them."""
    metadata: type[M]

    def write(self, path: Path, metadata: M, weights: Mapping[str, Tensor]) -> None:
        """Write weights in fp16, with their metadata."""
        import torch
        from safetensors.torch import save

        from bench.base.files import write_atomically

        half = {name: value.to(torch.float16).contiguous() for name, value in weights.items()}
        write_atomically(path, save(half, {"format": self.format, "about": json.dumps(asdict(metadata))}))

    def read_metadata(self, path: Path) -> M:
        """Read what a file says of itself, without torch.

        Raises:
            AssetError: when it is not such a file, of another version, or cut short.
        """
        from safetensors import SafetensorError, safe_open

        try:
            with safe_open(path, "np") as file:
                header = file.metadata() or {}
            if header["format"] != self.format:
                raise ValueError(f"a file of the format {header['format']:.40}")
            metadata: M = _parse(self.metadata, json.loads(header["about"]))
        except (OSError, SafetensorError, RecursionError, *_MALFORMED) as error:
            raise AssetError(
                f"{path} is not a whole weight file of {self.method}",
                got=error,
                expected=self.format,
                remedy=f"fetch it again, or train one with `bench train {self.method}`",
            ) from error
        return metadata

    def check_bank(self, path: Path, metadata: BankMetadata, bank: Bank) -> None:
        """Compare the bank that a file was trained over with the bank at hand; its digest where the file has one.

        Raises:
            AssetError: when they differ.
        """
        trained_over = (metadata.bank, metadata.resolution, metadata.digest)
        at_hand = (bank.name, bank.resolution, bank.digest if metadata.digest else "")
        if at_hand != trained_over:
            raise AssetError(
                f"{path} was trained over another bank",
                got=_bank_text(*at_hand),
                expected=_bank_text(*trained_over),
                remedy=f"name that bank, or train over this one with `bench train {self.method}`",
            )

    def build(self, path: Path, metadata: M, make: Callable[[], Network], blocks: int) -> Network:
        """Build the network that a file describes, frozen, and put the file's weights into it.

        Args:
            path: the file.
            metadata: of the file.
            make: makes the network that the metadata describe.
            blocks: how many repeated parts that has.

        Raises:
            AssetError: when the metadata mean no network, or not that of the weights.
        """
        import torch

        from methods.shared.state_files import building

        weights, what = _read_weights(path), f"{self.method} network"
        for size in _sizes(metadata):
            if type(size) is not int or not 0 < size <= LARGEST:
                raise AssetError(f"{path} describes no {what} of this version", got=f"the size {size!s:.60}")
        if blocks > len(weights):
            got = f"{blocks} blocks of {len(weights)} weights"
            raise AssetError(f"{path} describes no {what} of this version", got=got)
        with building(path, what):
            with torch.device("meta"):
                _check(make(), weights, path)
            network = make()
        network.load_state_dict(weights, strict=True)
        return network.requires_grad_(False).eval()


def initial_history(
    start: Path | None, read_metadata: Callable[[Path], Metadata], photographs: int
) -> dict[str, object]:
    """Return how a history begins: with the file that a training starts from, and what that has seen.

    Args:
        start: the file.
        read_metadata: reads its metadata.
        photographs: how many the training itself sees.

    Raises:
        AssetError: when it is not such a file, or cut short.
    """
    if start is None:
        return {"started from": None, PREVIOUS_STEPS: 0, PHOTOGRAPHS: photographs}
    previous = read_metadata(start).history
    history: dict[str, object] = {
        "started from": file_digest(start),
        PREVIOUS_STEPS: steps(previous),
        SAMPLES: drawn_samples(previous),
        TRAINING_METRICS: training_metrics(previous),
    }
    # Where a file does not say what it saw, neither can what follows it.
    return history | ({PHOTOGRAPHS: max(previous[PHOTOGRAPHS], photographs)} if PHOTOGRAPHS in previous else {})


def is_ours(path: Path) -> bool:
    """Say whether a file is one of the suite's own, rather than a published one.

    It is one when it is a .safetensors file with metadata; also when that cannot be read: its reader says why.
    """
    from safetensors import SafetensorError, safe_open

    if path.suffix != ".safetensors":
        return False
    try:
        with safe_open(path, "np") as file:
            return "about" in (file.metadata() or {})
    except (OSError, SafetensorError):
        return True


def count_parameters(path: Path) -> int:
    """Return how many parameters a file holds, without reading them."""
    from safetensors import safe_open

    with safe_open(path, "np") as file:
        return sum(prod(file.get_slice(name).get_shape()) for name in file.keys())  # noqa: SIM118 (no mapping)


def training_metrics(history: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the metrics whose network a training used, as the history in its weight file says."""
    return tuple(str(name) for name in history.get(TRAINING_METRICS) or ())


def add_training_metrics(history: Mapping[str, Any], metrics: Iterable[str]) -> dict[str, Any]:
    """Return a history with more training metrics; one that weights once had is never lost."""
    return {**history, TRAINING_METRICS: sorted({*training_metrics(history), *metrics})}


def steps(history: Mapping[str, Any]) -> int:
    """Return the steps of a training and of those that it went on from, as far as its file says."""
    return int(history.get(PREVIOUS_STEPS, 0)) + int(history.get("steps", 0))


def drawn_samples(history: Mapping[str, Any]) -> int:
    """Return how many samples of its bank a training and those that it went on from could draw.

    For a file that does not say it, at most: 1,024 at the start and one for every eight of 64 images a step.
    """
    before = steps(history)
    return int(history.get(SAMPLES, 1024 + 8 * before if before else 0))


def load(network: nn.Module, path: Path) -> None:
    """Put the weights of a file into a network, to go on training it.

    Raises:
        AssetError: when a name or a size is not the network's.
    """
    weights = _read_weights(path)
    _check(network, weights, path)
    network.load_state_dict(weights, strict=True)


def _parse(cls: type[Any], values: dict[str, Any]) -> Any:
    """Fill a dataclass from its JSON."""
    hints = get_type_hints(cls)
    return cls(**{name: _value(hints[name], value) for name, value in values.items()})


def _value(hint: Any, value: Any) -> Any:
    if is_dataclass(hint):
        return _parse(hint, value)  # type: ignore[arg-type]
    container = get_origin(hint) or hint
    return container(value) if container in (tuple, dict, str) else value  # `build` checks the numbers


def _sizes(config: object) -> Iterator[object]:
    """Return every number of a metadata's dataclasses."""
    for name, value in vars(config).items():
        if is_dataclass(value):
            yield from _sizes(value)
        elif isinstance(value, tuple):
            yield from value
        elif name not in ("bank", "digest", "history"):
            yield value


def _bank_text(name: str, resolution: int, digest: str) -> str:
    return f"{name} at {resolution}{digest and f', sha256 {digest:.8}'}"


def _read_weights(path: Path) -> dict[str, Tensor]:
    """Read the weights of a file, in float32."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    from methods.shared.state_files import check_plain

    try:
        weights = load_file(path)
    except (OSError, SafetensorError, ValueError, KeyError, RuntimeError) as error:
        raise AssetError(f"{path} is not a whole weight file", got=error, remedy="get it again") from error
    check_plain(weights, path)
    return {name: value.float() for name, value in weights.items()}


def _check(network: nn.Module, weights: Mapping[str, Tensor], path: Path) -> None:
    """Compare names and shapes; an error names the first that differs."""
    expected = {name: tuple(value.shape) for name, value in network.named_parameters()}
    shapes = {name: tuple(value.shape) for name, value in weights.items()}
    if expected != shapes:
        wrong = min(name for name in expected.keys() | shapes.keys() if expected.get(name) != shapes.get(name))
        raise AssetError(
            f"{path} does not fit the network at {wrong}",
            got=shapes.get(wrong, "nothing"),
            expected=expected.get(wrong, "nothing"),
            remedy="use a file that this version's trainer wrote",
        )
