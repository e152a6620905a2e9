"""The reader of OpenVINO files against networks written here by hand, whole and damaged."""

import numpy as np
import pytest

from bench.base.errors import AssetError
from methods.shared.banks.openvino import Graph

XML = """<?xml version="1.0"?>
<net name="tiny" version="10"><layers>
<layer id="0" name="x" type="Parameter"><data shape="1, 2" element_type="f32"/></layer>
<layer id="1" name="half" type="Const"><data element_type="f32" shape="2, 1" offset="8" size="8"/></layer>
<layer id="2" name="scale" type="Multiply"/>
<layer id="3" name="count" type="Const"><data element_type="i64" shape="" offset="0" size="8"/></layer>
<layer id="4" name="end" type="Result"/>
</layers><edges>
<edge from-layer="1" from-port="0" to-layer="2" to-port="1"/>
<edge from-layer="0" from-port="0" to-layer="2" to-port="0"/>
<edge from-layer="2" from-port="2" to-layer="4" to-port="0"/>
</edges></net>"""
BLOB = np.int64(-7).tobytes() + np.array([0.5, 0.25], np.float32).tobytes()


def graph(folder, xml=XML, blob=BLOB):
    (folder / "a.xml").write_text(xml)
    (folder / "a.bin").write_bytes(blob)
    return Graph(folder / "a.xml", folder / "a.bin")


def test_constants_keep_their_type_and_shape(tmp_path):
    tiny = graph(tmp_path)
    np.testing.assert_array_equal(tiny.named("half"), np.array([[0.5], [0.25]], np.float32))
    assert tiny.named("count").shape == ()
    assert tiny.named("count") == -7
    assert tiny.named("count").dtype == np.int64


def test_wiring(tmp_path):
    tiny = graph(tmp_path)
    scale = tiny.find("scale")
    assert tiny.source(scale) == tiny.find("x")
    assert tiny.reader(tiny.find("half")) == scale
    assert tiny.reader(tiny.find("half"), 2) == tiny.find("end")
    assert tiny.kind(scale) == "Multiply"
    np.testing.assert_array_equal(tiny.operand(scale), tiny.named("half"))


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('offset="8"', 'offset="12"', "cut short"),
        ('offset="8"', 'offset="-8"', "do not hold"),
        ('offset="8"', 'offset="999999999999999999999"', "cut short"),
        ('shape="2, 1" offset="8" size="8"', 'shape="2, 1" offset="8" size="4"', "do not hold"),
        ('shape="2, 1"', 'shape="99999, 99999, 99999"', "do not hold"),
        ('shape="2, 1"', 'shape="-2, -1"', "do not hold"),
        ('shape="2, 1"', 'shape="two"', "no number"),
        ('element_type="f32" shape="2, 1"', 'element_type="u1" shape="2, 1"', "no constant of type"),
        ('name="half"', 'name="full"', "no layer named half"),
    ],
)
def test_a_changed_topology_is_refused(tmp_path, old, new, says):
    assert old in XML
    with pytest.raises(AssetError, match=says) as error:
        graph(tmp_path, XML.replace(old, new)).named("half")
    assert "bench prepare" in str(error.value)
    assert str(tmp_path) in str(error.value)


def test_a_truncated_bin_is_refused(tmp_path):
    with pytest.raises(AssetError, match=r"a\.bin is cut short: got 15 bytes, expected at least 16"):
        graph(tmp_path, blob=BLOB[:-1]).named("half")


@pytest.mark.parametrize("xml", ["", "no xml at all", XML[:300], "\x00\x01"])
def test_what_is_no_topology_is_refused(tmp_path, xml):
    with pytest.raises(AssetError, match="not an OpenVINO topology"):
        graph(tmp_path, xml)


def test_an_entity_bomb_is_refused_before_it_expands(tmp_path):
    entities = '<!ENTITY a "aaaaaaaaaa">' + "".join(
        f'<!ENTITY {name} "{f"&{before};" * 10}">' for before, name in zip("abcdefgh", "bcdefghi", strict=True)
    )
    with pytest.raises(AssetError, match="declares a document type"):
        graph(tmp_path, f"<!DOCTYPE net [{entities}]><net>&i;</net>")


def test_a_file_outside_is_never_included(tmp_path):
    (tmp_path / "secret").write_text("secret")
    bomb = f'<!DOCTYPE net [<!ENTITY s SYSTEM "{tmp_path}/secret">]><net>&s;</net>'
    with pytest.raises(AssetError, match="declares a document type"):
        graph(tmp_path, bomb)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(AssetError, match=r"none\.bin cannot be read"):
        Graph(tmp_path / "none.xml", tmp_path / "none.bin")


def test_a_missing_reader_or_operand_is_an_asset_error(tmp_path):
    tiny = graph(tmp_path)
    with pytest.raises(AssetError, match="nothing that reads"):
        tiny.reader(tiny.find("end"))
    with pytest.raises(AssetError, match="reads no constant"):
        tiny.operand(tiny.find("end"))
    with pytest.raises(AssetError, match="nothing that layer"):
        tiny.source(tiny.find("x"))
