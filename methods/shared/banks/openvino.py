"""Read the constants and the wiring of an OpenVINO IR pair (.xml and .bin) without OpenVINO.

Only what a weights reader needs: constants by name, and who reads or makes a value. The files are untrusted: no
document type (and so no entity) is accepted, and every slice of the .bin is checked before it is taken.
"""

import math
from pathlib import Path
from typing import Any, Never
from xml.etree import ElementTree

import numpy as np
import numpy.typing as npt

from bench import AssetError

Array = npt.NDArray[Any]

_TYPES = {"f32": "<f4", "f16": "<f2", "i64": "<i8", "i32": "<i4"}
_MOST_SIDES = 8
_REMEDY = "remove both files and run `bench prepare` again"


class Graph:
    """The layers of one network.

    Args:
        xml: the topology.
        weights: the file that its constants are slices of.

    Raises:
        AssetError: when either file is missing, damaged or not what an OpenVINO IR is.
    """

    def __init__(self, xml: Path, weights: Path) -> None:
        self.xml, self.weights = xml, weights
        self._blob = _read_bytes(weights)
        net = _parse(xml)
        self._layers = {str(layer.get("id")): layer for layer in net.iterfind("layers/layer")}
        self._ids = {str(layer.get("name")): key for key, layer in self._layers.items()}
        self._reads: dict[str, list[str]] = {}
        self._readers: dict[str, list[str]] = {}
        for edge in sorted(net.iterfind("edges/edge"), key=self._port):
            source, target = str(edge.get("from-layer")), str(edge.get("to-layer"))
            self._reads.setdefault(target, []).append(source)
            self._readers.setdefault(source, []).append(target)

    def find(self, name: str) -> str:
        """Return the id of the layer of this name."""
        if name not in self._ids:
            self._fail(f"has no layer named {name}")
        return self._ids[name]

    def named(self, name: str) -> Array:
        """Return a constant by the name of its layer."""
        return self.constant(self.find(name))

    def kind(self, key: str) -> str | None:
        """Return the type of a layer."""
        return self._layers[key].get("type") if key in self._layers else None

    def reader(self, key: str, steps: int = 1) -> str:
        """Return the first layer that reads this one's output, so many steps on."""
        for _ in range(steps):
            key = next(iter(self._readers.get(key, [])), "") or self._fail(f"has nothing that reads layer {key}")
        return key

    def source(self, key: str) -> str:
        """Return the layer that makes the first input of this one that is not a constant."""
        computed = (one for one in self._reads.get(key, []) if self.kind(one) != "Const")
        return next(computed, "") or self._fail(f"has nothing that layer {key} reads")

    def operand(self, key: str) -> Array:
        """Return the first constant that this layer reads."""
        constants = (one for one in self._reads.get(key, []) if self.kind(one) == "Const")
        return self.constant(next(constants, "") or self._fail(f"has a layer {key} that reads no constant"))

    def scalar(self, key: str) -> float:
        """Return the one number that the first constant of this layer holds."""
        values = self.operand(key)
        return (
            float(values.item()) if values.size == 1 else self._fail(f"has a layer {key} that reads no one number")
        )

    def constant(self, key: str) -> Array:
        """Return a constant by id, in its own shape."""
        data = self._layers[key].find("data") if key in self._layers else None
        if data is None or data.get("element_type") not in _TYPES:
            self._fail(f"has a layer {key} that is no constant of type {', '.join(_TYPES)}")
        dtype = np.dtype(_TYPES[data.get("element_type", "")])
        try:
            shape = tuple(int(side) for side in data.get("shape", "").split(",") if side.strip())
            offset, size = int(data.get("offset", "")), int(data.get("size", ""))
        except ValueError:
            self._fail(f"has a constant {key} whose shape, offset or size is no number")
        if len(shape) > _MOST_SIDES:
            self._fail(f"has a constant {key} of {len(shape)} dimensions")
        if offset < 0 or min(shape, default=1) < 1 or size != math.prod(shape) * dtype.itemsize:
            self._fail(f"has a constant {key} whose {size} bytes do not hold its shape {shape}")
        if offset + size > len(self._blob):
            raise AssetError(
                f"{self.weights} is cut short",
                got=f"{len(self._blob)} bytes",
                expected=f"at least {offset + size}",
                remedy=_REMEDY,
            )
        return np.frombuffer(self._blob, dtype, count=math.prod(shape), offset=offset).reshape(shape).copy()

    def _port(self, edge: ElementTree.Element) -> int:
        try:
            return int(edge.get("to-port", "0"))
        except ValueError:
            self._fail("has an edge whose port is no number")

    def _fail(self, what: str) -> Never:
        raise AssetError(f"{self.xml} {what}", expected="the declared network", remedy=_REMEDY)


class _Plain(ElementTree.TreeBuilder):
    """Builds the tree and refuses a document type, before any entity of it is read."""

    def doctype(self, name: str, pubid: str | None, system: str | None) -> None:
        raise ElementTree.ParseError("it declares a document type")


def _parse(path: Path) -> ElementTree.Element:
    try:
        return ElementTree.fromstring(_read_bytes(path), ElementTree.XMLParser(target=_Plain()))
    except (ElementTree.ParseError, ValueError, LookupError) as error:  # the latter two: of an odd encoding
        raise AssetError(f"{path} is not an OpenVINO topology", got=error, remedy=_REMEDY) from error


def _read_bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise AssetError(f"{path} cannot be read", got=error.strerror, remedy="run `bench prepare`") from error
