"""OpenVINO topologies and constants of any kind: an array or an `AssetError`, never more memory than the file."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from tests.fuzz.child import Job
from tests.fuzz.mutations import mutated

LAYERS = {
    "173": "2,2", "174": "2", "m.input.input": "1,2,4,4", "m.conv1.bias": "1,2,1,1",
    "m.conv1.conv.modulation.weight": "2,2", "m.conv1.conv.modulation.bias": "1,2",
    "kernel": "2,2,3,3", "noise": "1,1,4,4", "gain": "1",
}  # fmt: skip
OPERATIONS = ("conv", "add_noise", "add_bias", "matmul", "add", "reshape", "multiply")
EDGES = (
    ("kernel", "conv"), ("conv", "add_noise"), ("noise", "add_noise"), ("add_noise", "add_bias"),
    ("m.conv1.bias", "add_bias"), ("m.conv1.conv.modulation.weight", "matmul"), ("matmul", "add"),
    ("add", "reshape"), ("reshape", "multiply"), ("gain", "multiply"),
)  # fmt: skip
NAMES = [*LAYERS, *OPERATIONS, "0", "3", "9", "15", "nowhere"]
BLOB = np.linspace(-1, 1, 128).astype("<f4").tobytes()


def _topology() -> bytes:
    ids = {name: str(number) for number, name in enumerate([*LAYERS, *OPERATIONS])}
    lines, offset = [], 0
    for name, shape in LAYERS.items():
        size = 4 * int(np.prod([int(side) for side in shape.split(",")]))
        data = f'<data element_type="f32" shape="{shape}" offset="{offset}" size="{size}"/>'
        lines.append(f'<layer id="{ids[name]}" name="{name}" type="Const">{data}</layer>')
        offset += size
    lines += [f'<layer id="{ids[name]}" name="{name}" type="Operation"/>' for name in OPERATIONS]
    edges = [f'<edge from-layer="{ids[a]}" to-layer="{ids[b]}" to-port="0"/>' for a, b in EDGES]
    return f'<?xml version="1.0"?><net><layers>{"".join(lines)}</layers><edges>{"".join(edges)}</edges></net>'.encode()


XML = _topology()
ODD = st.one_of(
    st.sampled_from(
        ["", "0", "1", "-1", "1e9", "\uff19", "1_0", " 4", "0x10", "18446744073709551616", "9" * 4400]
    ),
    st.integers(-(2**70), 2**70).map(str),
    st.text(st.characters(codec="utf-8", exclude_characters='<>&"'), max_size=6),
)
SHAPES = st.one_of(
    ODD, st.lists(st.sampled_from(["0", "1", "2", "4", "65536", str(2**40)]), max_size=70).map(",".join)
)


@st.composite
def topologies(draw: DrawFn) -> bytes:
    """Draw a document of layers and edges whose attributes may say anything."""
    ids = st.one_of(st.sampled_from([str(number) for number in range(6)]), ODD)
    names = st.one_of(st.sampled_from(NAMES), ODD)
    lines = []
    for _ in range(draw(st.integers(0, 6))):
        kind = draw(st.sampled_from(["Const", "Const", "Parameter", "Multiply"]))
        said = {
            "element_type": draw(st.sampled_from(["f32", "f16", "i64", "i32", "u1", "f64", ""])),
            "shape": draw(SHAPES),
            "offset": draw(st.one_of(st.integers(0, 600).map(str), ODD)),
            "size": draw(st.one_of(st.sampled_from(["0", "4", "8", "16"]), ODD)),
        }
        kept = " ".join(f'{key}="{value}"' for key, value in said.items() if draw(st.integers(0, 9)))
        lines.append(f'<layer id="{draw(ids)}" name="{draw(names)}" type="{kind}"><data {kept}/></layer>')
    ports = st.one_of(st.just("0"), ODD)
    edges = [
        f'<edge from-layer="{draw(ids)}" to-layer="{draw(ids)}" to-port="{draw(ports)}"/>'
        for _ in range(draw(st.integers(0, 6)))
    ]
    head = draw(st.sampled_from(HEADS))
    text = f"{head}<net><layers>{''.join(lines)}</layers><edges>{''.join(edges)}</edges></net>"
    return text.encode("utf-8", "replace")


HEADS = (
    "", "", "", '<?xml version="1.0"?>', '<?xml version="1.0" encoding="utf-16"?>', '<?xml version="1.0" encoding="cp037"?>',
    '<?xml version="1.0" encoding="nothing"?>', '<?xml version="1.0" encoding="shift_jis"?>', '<?xml version="1.0" encoding="rot13"?>',
    '<!DOCTYPE net [<!ENTITY a SYSTEM "file:///etc/passwd">]>', '<!DOCTYPE net SYSTEM "http://localhost/x.dtd">', "<a>" * 3000,
)  # fmt: skip


def test_any_topology(explore):
    jobs = st.builds(
        lambda xml, blob: Job("openvino", {"net.xml": xml, "net.bin": blob}, (NAMES,)),
        topologies(),
        st.one_of(st.just(BLOB), st.binary(max_size=64)),
    )
    explore(jobs, 50)


def test_damaged_topology(explore):
    jobs = mutated([XML]).map(lambda xml: Job("openvino", {"net.xml": xml, "net.bin": BLOB}, (NAMES,)))
    explore(jobs, 50)


def test_layers_of_damaged_files(explore):
    jobs = st.builds(
        lambda xml, blob: Job("openvino_layers", {"net.xml": xml, "net.bin": blob}),
        mutated([XML]),
        st.one_of(st.just(BLOB), mutated([BLOB])),
    )
    explore(jobs, 30)


def test_the_whole_file_is_read(child):
    assert child.run(Job("openvino_layers", {"net.xml": XML, "net.bin": BLOB})) == ("good", "Dense, First")
