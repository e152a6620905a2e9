"""Identity on a face that scikit-image's own wheel carries: dlib's real network, insightface's real pipeline."""

import zipfile

import numpy as np
import pytest
import skimage.data
import torch
from PIL import Image
from scipy.ndimage import map_coordinates

from bench.assets.declare import Asset, ByHand
from bench.base.errors import ImageError, Unavailable
from bench.base.files import file_digest
from bench.metrics.arcface import Arcface
from bench.networks import arcface
from bench.networks.dlib import DlibLandmarks
from bench.registry import METRICS
from tests.conftest import photo


@pytest.fixture(scope="module")
def astronaut() -> np.ndarray:
    """A portrait, 256 x 256; the face is about 100 pixels wide."""
    return np.ascontiguousarray(skimage.data.astronaut()[0:256, 96:352])


def blurred(image: np.ndarray, factor: int) -> np.ndarray:
    height, width = image.shape[:2]
    small = Image.fromarray(image).resize((width // factor, height // factor), Image.Resampling.BICUBIC)
    return np.asarray(small.resize((width, height), Image.Resampling.BICUBIC))


@pytest.fixture(scope="module")
def metric():
    pytest.importorskip("dlib", reason="the extra `identity` is not installed")
    metric = METRICS.create("dlib")
    metric.load(torch.device("cpu"))
    return metric


def test_dlib_equals_its_own_chip_and_descriptor(metric, astronaut) -> None:
    import dlib

    sr = blurred(astronaut, 8)
    box = dlib.get_frontal_face_detector()(astronaut)[0]
    points = metric.network.finder.predictor(astronaut, box)
    chips = [dlib.get_face_chip(image, points, size=150, padding=0.25) for image in (astronaut, sr)]
    a, b = (np.array(metric.network.network.compute_face_descriptor(chip)) for chip in chips)
    value = metric.compare(sr, metric.features(astronaut), 8)
    assert value == pytest.approx(np.sqrt(((a - b) ** 2).sum()), abs=1e-6)


def test_dlib_tells_a_blurred_face_from_a_lost_one(metric, astronaut) -> None:
    described = metric.features(astronaut)
    assert metric.compare(astronaut, described, 8) == 0
    near, far = (metric.compare(blurred(astronaut, factor), described, 8) for factor in (2, 16))
    assert 0 < near < 0.35
    assert far > 0.6  # where dlib no longer calls it the same person
    assert metric.compare(np.full_like(astronaut, 90), described, 8) > 0.6  # no face is left to detect


def test_dlib_wants_a_face_in_hr(metric, astronaut) -> None:
    with pytest.raises(ImageError, match="no face in the HR image"):
        metric.features(photo(0, 128, 128))
    with pytest.raises(ImageError, match="one size"):
        metric.compare(astronaut[:128], metric.features(astronaut), 8)


def test_the_68_points_lie_where_the_ibug_markup_puts_them() -> None:
    """The means of points 36-41 and 42-47 are the eyes, 48-67 the mouth: read off the picture, within 3 pixels."""
    pytest.importorskip("dlib", reason="the extra `identity` is not installed")
    portrait = np.ascontiguousarray(skimage.data.astronaut()[:256, 96:352])
    finder = DlibLandmarks()
    points = finder.points(portrait, finder.largest_face(portrait))
    assert points.shape == (68, 2)
    centres = np.array([points[part].mean(0) for part in (slice(36, 42), slice(42, 48), slice(48, 68))])
    np.testing.assert_allclose(centres, [(107, 101), (151, 103), (128, 145)], atol=3)


POINTS = np.array([(104.0, 92), (150, 88), (130, 118), (112, 142), (149, 138)])
"""Roughly the astronaut's eyes, nose and mouth corners, as (x, y)."""
STRIDES = (8, 16, 32)


def detector(path, points: np.ndarray, image_size: int) -> None:
    """Write an SCRFD-shaped network that sees one face wherever it looks: insightface decodes the rest."""
    from onnx import TensorProto, helper, numpy_helper, save

    values, names = [], []
    for kind, width in (("score", 1), ("box", 4), ("points", 10)):
        for stride in STRIDES:
            side = 640 // stride
            table = np.zeros((2 * side * side, width), np.float32)  # two anchors a position
            if stride == 32:
                row = 2 * (5 * side + 7)
                centre = np.array([7, 5]) * stride
                offsets = (points * 640 / image_size - centre) / stride
                table[row] = {"score": [0.9], "box": [3, 3, 5, 5], "points": offsets.ravel()}[kind]
            values.append(table)
            names.append(f"{kind}{stride}")
    seen = [helper.make_node("ReduceMin", ["image"], ["least"], keepdims=0)]
    seen += [helper.make_node("Mul", ["least", "zero"], ["nothing"])]
    seen += [helper.make_node("Add", [f"{name}_table", "nothing"], [name]) for name in names]
    graph = helper.make_graph(
        seen,
        "detector",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, "h", "w"])],
        [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, value.shape)
            for name, value in zip(names, values, strict=True)
        ],
        [numpy_helper.from_array(np.float32(0), "zero")]
        + [numpy_helper.from_array(value, f"{name}_table") for name, value in zip(names, values, strict=True)],
    )
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), path)


def recogniser(path, weight: np.ndarray) -> None:
    """Write a linear network from 8 x 8 means of the crop to 512 numbers."""
    from onnx import TensorProto, helper, numpy_helper, save

    nodes = [
        helper.make_node("AveragePool", ["image"], ["means"], kernel_shape=[8, 8], strides=[8, 8]),
        helper.make_node("Flatten", ["means"], ["flat"]),
        helper.make_node("MatMul", ["flat", "weight"], ["embedding"]),
    ]
    graph = helper.make_graph(
        nodes,
        "recogniser",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["n", 3, 112, 112])],
        [helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["n", 512])],
        [numpy_helper.from_array(weight, "weight")],
    )
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), path)


def embedding_by_hand(image: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Least squares for the similarity, scipy for the warp, numpy for the network."""
    rows = [row for x, y in POINTS for row in ((x, -y, 1, 0), (y, x, 0, 1))]
    c, s, dx, dy = np.linalg.lstsq(np.array(rows), arcface.TEMPLATE.ravel(), rcond=None)[0]
    y, x = np.mgrid[:112, :112]
    back = np.linalg.inv([[c, -s], [s, c]]) @ np.stack([x.ravel() - dx, y.ravel() - dy])
    crop = [map_coordinates(image[..., k].astype(float), back[::-1], order=1) for k in range(3)]
    means = (np.array(crop).reshape(3, 14, 8, 14, 8).mean((2, 4)) - 127.5) / 127.5
    return means.ravel() @ weight


@pytest.fixture
def pack(monkeypatch, tmp_path):
    """A pack of two small networks in a cache, zipped as insightface zips its own."""
    pytest.importorskip("insightface", reason="the extra `identity` is not installed")
    pytest.importorskip("onnx", reason="the extra `identity` is not installed")
    monkeypatch.setenv("BENCH_HOME", str(tmp_path / "home"))
    weight = np.random.default_rng(1).normal(0, 1, (588, 512)).astype(np.float32)
    made = {
        "det.onnx": lambda path: detector(path, POINTS, 256),
        "rec.onnx": lambda path: recogniser(path, weight),
    }
    members = []
    archive = Asset("insightface/pack.zip", "none", None, None, (ByHand("by hand"),))
    archive.path.parent.mkdir(parents=True)
    with zipfile.ZipFile(archive.path, "w") as zipped:
        for name, make in made.items():
            make(tmp_path / name)
            zipped.write(tmp_path / name, f"pack/{name}")
            members.append(Asset(f"insightface/pack/{name}", "none", None, file_digest(tmp_path / name), ()))
    pack = arcface.Pack(archive, *members)
    monkeypatch.setattr(Arcface, "pack", pack)
    return pack, weight


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # raised inside insightface's and onnx's imports
def test_arcface_equals_the_crop_and_cosine_by_hand(pack, astronaut) -> None:
    networks, weight = pack
    metric, sr = METRICS.create("arcface"), blurred(astronaut, 16)
    assert metric.assets() == (networks.archive,)
    metric.load(torch.device("cpu"))
    assert metric.assets() == (networks.detector, networks.recogniser)
    a, b = (embedding_by_hand(image, weight) for image in (astronaut, sr))
    expected = a @ b / np.linalg.norm(a) / np.linalg.norm(b)
    described = metric.features(astronaut)
    assert metric.compare(sr, described, 16) == pytest.approx(expected, abs=2e-3)  # cv2 warps to 1/32 pixel
    assert expected < 0.995
    assert metric.compare(astronaut, described, 16) == pytest.approx(1, abs=1e-6)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_changed_network_in_the_pack_is_refused(pack, tmp_path) -> None:
    networks, _ = pack
    with zipfile.ZipFile(networks.archive.path, "w") as zipped:
        zipped.writestr("det.onnx", b"something else")
    with pytest.raises(Unavailable, match=r"holds no det\.onnx as declared"):
        METRICS.create("arcface").load(torch.device("cpu"))


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_without_its_pack_arcface_is_unavailable_with_a_remedy(pack) -> None:
    networks, _ = pack
    networks.archive.path.unlink()
    with pytest.raises(Unavailable, match="metric arcface has no weights") as caught:
        METRICS.create("arcface").load(torch.device("cpu"))
    assert str(networks.archive.path) in caught.value.remedy


def test_without_its_package_an_identity_metric_names_the_extra(monkeypatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "dlib", None)
    with pytest.raises(Unavailable, match="needs the package dlib") as caught:
        METRICS.create("dlib").load(torch.device("cpu"))
    assert "glean-bench[identity]" in caught.value.remedy


def test_landmarks_move_with_the_face(astronaut) -> None:
    """A face that is shifted by some pixels has moved by so many, of the distance of its outer eye corners."""
    pytest.importorskip("dlib", reason="the extra `identity` is not installed")
    metric = METRICS.create("landmarks")
    metric.load(torch.device("cpu"))
    described = metric.features(astronaut)
    eyes = np.linalg.norm(described.points[36] - described.points[45])
    assert 40 < eyes < 80
    assert metric.compare(astronaut, described, 8) == 0
    shifted = np.roll(astronaut, 6, axis=1)
    assert metric.compare(shifted, described, 8) == pytest.approx(100 * 6 / eyes, rel=0.25)
    with pytest.raises(ImageError, match="no face"):
        metric.features(photo(0, 128, 128))


def test_pairs_of_strangers_are_the_yardstick(metric, astronaut) -> None:
    """Three images: the astronaut, her mirror image and one without a face, which is left out."""
    from bench.pipeline.strangers import Strangers
    from bench.workers.score_job import Measurement

    strangers = Strangers(METRICS.create("dlib"), "faces", dict(enumerate("abc")))
    one, other = (metric.features(np.ascontiguousarray(image)) for image in (astronaut, astronaut[:, ::-1]))
    assert strangers.take(3, Measurement(one)) is None, "it is none of them"
    assert strangers.take(0, Measurement(one)) is strangers.take(2, Measurement(reason="no face")) is None
    record = strangers.take(1, Measurement(other))
    expected = np.linalg.norm(one.descriptor - other.descriptor)
    assert record.pairs == 1
    assert record.mean == record.low == record.high == pytest.approx(expected)
    assert record.share == float(expected <= 0.6) == 1
