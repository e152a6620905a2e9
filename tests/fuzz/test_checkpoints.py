"""Weight files of any kind: tensors, a network or an `AssetError`; nothing in them runs, nothing swells."""

from __future__ import annotations

import copy
import importlib
import io
import json
import pickle
import struct
import zipfile
from functools import cache, partial

import pytest
import torch
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn
from safetensors.torch import save
from torch import Tensor

from tests.fuzz.child import Job
from tests.fuzz.mutations import NUMBERS, mutated
from tests.methods.shared.banks import released_peer, stylegan2_peer

pytestmark = pytest.mark.filterwarnings("ignore")  # torch's, of the odd tensors that are made here

READERS = {
    "stylegan2": ("bank", ""), "pggan": ("bank", "pggan:"), "stylegan1": ("bank", "stylegan1:"), "biggan": ("bank", "biggan:"),
    "state": ("state_file",), "published": ("published",), "spandrel": ("network",),
}  # fmt: skip


def job(reader: str, content: bytes, name: str = "a.pth") -> Job:
    target, *first = READERS[reader]
    return Job(target, {name: content}, (*first, name))


def saved(content: object, legacy: bool = False) -> bytes:
    buffer = io.BytesIO()
    torch.save(content, buffer, _use_new_zipfile_serialization=not legacy)
    return buffer.getvalue()


@cache
def states() -> dict[str, list[dict[str, Tensor]]]:
    """Return a tiny network of each layout."""
    peer = stylegan2_peer.generator(8, channels=4, width=4, layers=1).state_dict()
    synthesis, mapping = released_peer.pulse((4, 4, 4, 4), 4)
    whole = {f"synthesis.{key}": value for key, value in synthesis.items()} | {
        f"mapping.{key}": value for key, value in mapping.items()
    }
    return {
        "stylegan2": [
            peer,
            stylegan2_peer.rosinality(peer),
            stylegan2_peer.mmagic(peer),
            stylegan2_peer.nvidia(peer),
        ],
        "pggan": [released_peer.pggan((4, 4), 4)],
        "stylegan1": [released_peer.idinvert((4, 4, 4, 4), 4), whole],
        "biggan": [released_peer.biggan((4, 4), 2, 2, 3)],
        "spandrel": [compact(), rrdbnet(), {f"generator.{key}": value for key, value in rrdbnet().items()}],
        "published": [published()],
        "state": [{"a": torch.ones(2)}],
    }


def compact() -> dict[str, Tensor]:
    from spandrel.architectures.Compact import Compact

    return Compact(num_feat=4, num_conv=1, upscale=4).state_dict()


def rrdbnet() -> dict[str, Tensor]:
    arch = importlib.import_module("spandrel.architectures.ESRGAN.__arch.RRDB")
    return arch.RRDBNet(num_filters=4, num_blocks=1, scale=4).state_dict()


def published() -> dict[str, Tensor]:
    """Return the keys that tell the published layout; the rest of it is missing."""
    peer = stylegan2_peer.mmagic(stylegan2_peer.generator(8, channels=4, width=4, layers=1).state_dict())
    keys = (
        "encoder.0.0.conv_first.weight",
        "encoder.0.0.body.0.rdb1.conv1.bias",
        "encoder.1.weight",
        "fusion_out.0.weight",
    )
    return {f"generator.{key}": torch.zeros(4) for key in keys} | {
        f"generator.generator.{key}": value for key, value in peer.items()
    }


def odd(shape: list[int], how: str) -> Tensor:
    """Return a tensor of a kind that no weight file needs."""
    size = [min(side, 3) for side in shape]
    match how:
        case "expanded":
            return torch.ones(()).expand([min(side, 1 << 20) for side in shape][:3])
        case "sparse":
            return torch.zeros(size).to_sparse()
        case "csr":
            return torch.eye(2).to_sparse_csr()
        case "meta":
            return torch.empty(size, device="meta")
        case "quantised":
            return torch.quantize_per_tensor(torch.zeros(size), 0.1, 0, torch.quint8)
        case "parameter":
            return torch.nn.Parameter(torch.zeros(size))
        case "nan":
            return torch.full(size, torch.nan)
    return torch.zeros(size, dtype=getattr(torch, how))


SIDES = st.one_of(st.integers(0, 5), st.sampled_from([1 << 20, 1 << 31]))
KINDS = (
    "expanded",
    "sparse",
    "csr",
    "meta",
    "quantised",
    "parameter",
    "nan",
    "complex64",
    "bool",
    "int64",
    "uint8",
    "float16",
    "bfloat16",
    "float64",
    "float8_e4m3fn",
)
TENSORS = st.one_of(
    st.builds(torch.zeros, st.lists(st.integers(0, 5), max_size=5)),
    st.builds(odd, st.lists(SIDES, max_size=4), st.sampled_from(KINDS)),
)
VALUES = st.one_of(
    TENSORS, st.none(), st.integers(), st.text(max_size=3), st.just({"a": torch.ones(1)}), st.just([torch.ones(1)])
)
NAMES = st.one_of(
    st.sampled_from(["lod", "truncation.w_avg", "latent_avg", "w_avg", "shared.weight", "embed.weight", "output_layer.0.gain", "step", "kernel", "x.resample_filter"]),
    st.builds("{}.{}.weight".format, st.sampled_from(["body", "model", "layers", "blocks", "convs", "synthesis.blocks", "upsample", "to_rgbs"]), st.sampled_from([0, 7, 10**6, 10**9, 10**30])),
    st.text(max_size=5), st.integers(-1, 3),
)  # fmt: skip


@st.composite
def dictionaries(draw: DrawFn, reader: str) -> dict[object, object]:
    """Draw a network's own dictionary with keys taken away, renamed, numbered on, and of other shapes."""
    state: dict[object, object] = dict(draw(st.sampled_from(states()[reader])))
    for _ in range(draw(st.integers(0, 4))):
        keys = st.sampled_from(sorted(map(str, state)) or ["a"])
        match draw(st.integers(0, 4)):
            case 0:
                state.pop(draw(keys), None)
            case 1:
                state[draw(keys)] = draw(VALUES)
            case 2:
                state[draw(NAMES)] = draw(VALUES)
            case 3:
                key = draw(keys)
                parts = key.split(".")
                numbered = [place for place, part in enumerate(parts) if part.isdecimal()]
                if numbered:
                    parts[draw(st.sampled_from(numbered))] = str(
                        draw(st.sampled_from([0, 1, 2, 9, 31, 40, 10**7]))
                    )
                state[".".join(parts)] = state.get(key, torch.ones(1))
            case 4:
                key = draw(keys)
                state[key] = _reshaped(
                    state.get(key), draw(st.sampled_from(["flat", "more", "sum", "twice", "none"]))
                )
    return state


def _reshaped(value: object, how: str) -> object:
    if not isinstance(value, Tensor) or value.layout is not torch.strided or value.is_quantized or not value.ndim:
        return value
    match how:
        case "flat":
            return value.flatten() if value.numel() < 1 << 16 else value
        case "more":
            return value[None]
        case "sum":
            return torch.ones(())
        case "twice":
            return value.repeat(2, *[1] * (value.ndim - 1)) if value.numel() < 1 << 16 else value
    return value[:0]


def _wrapped(state: object, how: str) -> object:
    return (
        {"params_ema": state} if how == "params" else {"state_dict": state, "meta": {}} if how == "mm" else state
    )


@pytest.mark.parametrize("reader", list(READERS))
def test_any_dictionary(explore, reader):
    wraps = st.sampled_from(["", "", "params", "mm"])
    contents = st.builds(_wrapped, dictionaries(reader), wraps)
    explore(st.builds(saved, contents, st.booleans()).map(lambda content: job(reader, content)), 8)


@cache
def files(reader: str) -> tuple[bytes, ...]:
    return tuple(saved(state, legacy) for state in states()[reader] for legacy in (False, True))


def test_damaged_files(explore):
    damaged = st.sampled_from(list(READERS)).flatmap(
        lambda reader: mutated([*files("state"), *files(reader)]).map(lambda content: job(reader, content))
    )
    explore(damaged, 40)


@cache
def safetensors() -> tuple[bytes, ...]:
    return tuple(
        save({key: value.contiguous().clone() for key, value in states()[one][0].items()})
        for one in ("state", "pggan", "spandrel")
    )


@st.composite
def headers(draw: DrawFn) -> bytes:
    """Draw a header whose offsets, shapes and types need not agree, before a few bytes."""
    entries = {}
    for _ in range(draw(st.integers(0, 4))):
        begin, end = draw(st.sampled_from([(0, 4), (0, 0), (4, 8), (0, 8), (8, 0), (0, 1 << 62), (-1, 4)]))
        kind = draw(
            st.sampled_from(
                ["F32", "F16", "BF16", "I64", "BOOL", "U8", "F8_E4M3", "F8_E8M0", "F4", "F6_E2M3", "C64", "X", 4]
            )
        )
        shape = draw(st.one_of(st.just([1]), st.lists(st.sampled_from([0, 1, 2, *NUMBERS]), max_size=4)))
        entries[str(draw(st.one_of(NAMES, st.just("layer0.conv.weight"))))] = {
            "dtype": kind,
            "shape": shape,
            "data_offsets": [begin, end],
        }
    text = draw(
        st.one_of(st.just(json.dumps(entries)), st.sampled_from(["[" * 3000, "{}", "", "null", '{"a":1}']))
    )
    length = draw(st.sampled_from([len(text.encode())] * 4 + list(NUMBERS)))
    return struct.pack("<Q", length) + text.encode() + draw(st.sampled_from([bytes(4), bytes(8), b""]))


def test_any_safetensors(explore):
    readers = st.sampled_from(["state", "pggan", "spandrel"])
    contents = st.one_of(headers(), st.deferred(lambda: mutated(safetensors())))
    explore(st.builds(partial(job, name="a.safetensors"), readers, contents), 30)


CALLS = (
    b"cos\nsystem\n(S'touch ran'\ntR.", b"cposix\nsystem\n(S'touch ran'\ntR.", b"cbuiltins\neval\n(S'open(\"ran\", \"w\")'\ntR.", b"cbuiltins\nexec\n(S'import os'\ntR.",
    b"csubprocess\nPopen\n((S'touch'\nS'ran'\nltR.", b"cbuiltins\nopen\n(S'ran'\nS'w'\ntR.", b"cshutil\nrmtree\n(S'/tmp/none'\ntR.", b"ctorch\nload\n(S'a.pth'\ntR.",
    b"cbuiltins\ngetattr\n(cos\nS'system'\ntR.", b"ctorch.hub\nload\n(S'x'\ntR.", b"(S'touch ran'\nios\nsystem\n.", b"\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\ttouch ran\x85R.",
    b"cargparse\nNamespace\n)R}S'__class__'\ncos\nsystem\nsb.", b"cargparse\n_sys.modules\n.", b"ctorch._utils\n_rebuild_tensor_v2\n(tR.", b"ctorch\nTensor\n(I1099511627776\ntR.",
    b"ctorch\nFloatTensor\n(I268435456\ntR.", b"cbuiltins\nbytearray\n(I1073741824\ntR.", b"ccollections\nOrderedDict\n)Rq\0(S'a'\nh\0u.", b"}q\0(S'a'\nh\0u.",
    b"ctorch._utils\n_rebuild_meta_tensor_no_storage\n(ctorch\nfloat32\n(I9\nt(I1\ntI00\ntR.",
)  # fmt: skip


def bombs() -> tuple[object, ...]:
    """Return contents that are small as a file and without end when they are walked or held."""
    cyclic: dict[str, object] = {}
    cyclic["a"] = {"b": cyclic}
    laughs: dict[str, object] = {"x": torch.ones(1)}
    for _ in range(60):
        laughs = {"a": laughs, "b": laughs}
    deep: dict[str, object] = {"x": torch.ones(1)}
    for _ in range(250):
        deep = {"a": deep}
    levels = {f"synthesis.blocks.{4 << level}x{4 << level}.conv1.bias": torch.ones(1) for level in range(20)}
    return (
        cyclic,
        laughs,
        deep,
        {"constant_input.weight": torch.ones(1).expand(1 << 15, 1 << 15), "a": torch.ones(1)},
        levels,
    )


def packed(pickled: bytes, how: int = zipfile.ZIP_STORED, storage: bytes = bytes(8)) -> bytes:
    """Pack a pickle as `torch.save` does."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", how) as archive:
        for name, content in (
            ("data.pkl", pickled),
            ("byteorder", b"little"),
            ("data/0", storage),
            ("version", b"3\n"),
        ):
            archive.writestr(f"archive/{name}", content)
    return buffer.getvalue()


def test_pickles_that_call(explore, child):
    """No call of another module is made: the worker's audit hook would see a process, a file or a connection."""
    pieces = st.one_of(st.sampled_from(CALLS), mutated(CALLS))
    contents = st.one_of(
        pieces,
        pieces.map(packed),
        pieces.map(lambda one: pickle.dumps(0x1950A86A20F9469CFC6C) + pickle.dumps(1001) + one),
    )
    explore(st.builds(job, st.sampled_from(["state", "spandrel", "pggan"]), contents), 20)
    for call in CALLS[:14]:
        for reader in ("state", "spandrel"):
            for content in (call, packed(call)):
                assert child.run(job(reader, content))[0] == "refused"


@pytest.mark.parametrize("reader", ["state", "stylegan2", "stylegan1", "spandrel"])
def test_bombs_are_refused(reader, child):
    for content in bombs()[: 4 if reader == "state" else None]:  # only a bank makes more of the last
        for legacy in (False, True):
            kind, told = child.run(job(reader, saved(content, legacy)))
            assert kind == "refused", told
    swelling = saved({"a": torch.zeros(1 << 22)})
    with zipfile.ZipFile(io.BytesIO(swelling)) as archive:
        pickled = next(archive.read(name) for name in archive.namelist() if name.endswith("data.pkl"))
    kind, told = child.run(job(reader, packed(pickled, zipfile.ZIP_DEFLATED, bytes(1 << 24))))
    assert (kind, "compressed pieces" in told) == ("refused", True), told


OURS = {
    "esrgan+": {"inputs": [4, 8], "resolution": 16, "shape": {"width": 4, "growth": 2, "blocks": 1, "widest": 8, "narrowing": [4]}, "history": {}},
    "idinvert": {"bank": "stylegan2", "resolution": 64, "shape": {"widths": [8, 8], "hidden": 4, "rank": 1}, "history": {}, "digest": ""},
    "glean": {"bank": "stylegan2", "resolution": 64, "factors": [4], "shape": {"trunk": 8, "growth": 2, "blocks": 1, "encoder": 8, "fusion": 8, "latent": 8, "slot_rank": 1, "decoder": 8}, "history": {}, "digest": ""},
}  # fmt: skip
MARKS = {"esrgan+": "esrgan-plus-1", "idinvert": "idinvert-encoder-1", "glean": "glean-embedded-1"}
PLACES = st.one_of(
    st.integers(-1, 5), st.sampled_from([10**6, 10**9, 10**30, 1.5, True, None, "4", [], [4] * 9, {}, {"a": 1}, [10**8]]), st.text(max_size=3)
)  # fmt: skip


@st.composite
def described(draw: DrawFn, method: str) -> bytes:
    """Draw a weight file whose description says other things than its weights."""
    said = json.loads(json.dumps(OURS[method]))
    for _ in range(draw(st.integers(1, 3))):
        table = draw(st.sampled_from([said, said["shape"]])) if isinstance(said.get("shape"), dict) else said
        table[draw(st.one_of(st.sampled_from(sorted(table) or ["x"]), st.text(max_size=3)))] = copy.deepcopy(
            draw(PLACES)
        )
        if len(table) > 1 and not draw(st.integers(0, 5)):
            table.pop(draw(st.sampled_from(sorted(table))))
    text = draw(
        st.sampled_from([json.dumps(said)] * 6 + ["[" * 9000, "9" * 5000, "null", "[]", "{", '{"bank":' * 2000])
    )
    tensors = draw(
        st.dictionaries(
            st.sampled_from(["first.weight", "entries.4.weight", "a"]), TENSORS.filter(_can_be_saved), max_size=2
        )
    )
    return save(
        {key: value.detach().contiguous().clone() for key, value in tensors.items()},
        {"format": draw(st.sampled_from([MARKS[method]] * 9 + ["x"])), "about": text},
    )


def _can_be_saved(tensor: Tensor) -> bool:
    return (
        tensor.layout is torch.strided
        and tensor.device.type == "cpu"
        and not tensor.is_quantized
        and tensor.numel() < 99
    )


@pytest.mark.parametrize("method", sorted(OURS))
def test_any_description(explore, method):
    explore(described(method).map(lambda content: Job("weight_file", {"net.safetensors": content}, (method,))), 8)


def test_whole_files_are_read(child):
    expected = {reader: reader for reader in ("stylegan2", "pggan", "stylegan1", "biggan")} | {"state": "1"}
    for reader, told in expected.items():
        for content in files(reader):
            kind, said = child.run(job(reader, content))
            assert (kind, said.split()[0]) == ("good", told), said
    for content in files("spandrel"):
        assert child.run(job("spandrel", content))[0] == "good"
