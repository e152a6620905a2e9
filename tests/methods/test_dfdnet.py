"""DFDNet against the authors' code read layer by layer, in both layouts of its files."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from bench.base.errors import AssetError, ImageError, MethodError, UsageError
from bench.base.types import Batch, Category
from bench.registry.methods import build, create
from methods import dfdnet
from methods.dfdnet import dictionary, network, parts, weightfile

PARTS = {"left_eye": 80, "right_eye": 80, "nose": 50, "mouth": 110}
WIDTHS = {256: 128, 128: 256, 64: 512, 32: 512}
SHORT = {"le": "left_eye", "re": "right_eye", "no": "nose", "mo": "mouth"}
VGG = [64, 64, 0, 128, 128, 0, 256, 256, 256, 256, 0, 512, 512, 512, 512, 0, 512, 512, 512, 512]
CATEGORY = Category("c", "faces")


def _layers():
    """Yield the convolutions of models/networks.py that its test runs: name, inputs, outputs, spectral norm."""
    for part in SHORT:
        for side, width in WIDTHS.items():
            yield from ((f"{part}_{side}.{n}", width, width, True) for n in (0, 2))
    for n in (1, 2, 3, 4):
        yield from ((f"MSDilate.conv{n}.{m}", 512, 512, True) for m in (0, 2))
    yield "MSDilate.convi", 2048, 512, True
    for n, (inputs, outputs) in enumerate([(512, 512), (512, 256), (256, 128), (128, 64)]):
        yield f"up{n}.conv1.1", inputs, outputs, True
        yield f"up{n}.convup.1", outputs, outputs, True
        for model in ("ScaleModel1", "ShiftModel1"):
            yield f"up{n}.{model}.0", inputs, outputs, True
            yield f"up{n}.{model}.2", outputs, outputs, True
    yield "up4.0", 64, 64, True
    for n in (2, 3):
        yield from ((f"up4.{n}.Model.{m}", 64, 64, False) for m in (0, 2))
    yield "up4.4", 64, 3, False
    place, inputs = 0, 3
    for width in VGG:
        if width:
            yield f"VggExtract.model.features.{place}", inputs, width, False
            place, inputs = place + 2, width
        else:
            place += 1


def _authors_state():
    """Return random weights under the names of latest_net_G.pth, its unused ones left out."""
    torch.manual_seed(0)
    state = {
        "VggExtract.RGB_mean": 0.45 + 0.1 * torch.rand(1, 3, 1, 1),
        "VggExtract.RGB_std": torch.full((1, 3, 1, 1), 0.2),
    }
    for name, inputs, outputs, is_normed in _layers():
        weight = torch.randn(outputs, inputs, 3, 3) * (2 / (9 * inputs)) ** 0.5
        state[f"{name}.bias"] = 0.1 * torch.randn(outputs)
        if is_normed:
            rows, u = weight.flatten(1), torch.rand(outputs)
            for _ in range(2):  # near the fixed point, as in a file, but not at it
                v = F.normalize(rows.T @ u, dim=0)
                u = F.normalize(rows @ v, dim=0)
            state |= {f"{name}.weight_orig": weight, f"{name}.weight_u": u, f"{name}.weight_v": v}
        else:
            state[f"{name}.weight"] = weight
    return state


def _basicsr_state(state):
    """Rename the authors' weights as scripts/model_conversion/convert_dfdnet.py of BasicSR does."""
    blocks = iter(range(1, 100))
    vgg, block, number = {}, next(blocks), 0
    place = 0
    for width in VGG:
        number = number + 1 if width else 0
        if width:
            vgg[str(place)] = f"conv{block}_{number}"
        else:
            block = next(blocks)
        place += 2 if width else 1

    def renamed(name):
        name = re.sub(r"^(le|re|no|mo)_", lambda found: f"attn_blocks.{SHORT[found[1]]}_", name)
        name = re.sub(
            r"^MSDilate\.conv(\d)", lambda found: f"multi_scale_dilation.conv_blocks.{int(found[1]) - 1}", name
        )
        name = name.replace("MSDilate.convi", "multi_scale_dilation.conv_fusion")
        name = re.sub(r"^up(\d)", r"upsample\1", name).replace("ScaleModel1", "scale_block")
        name = name.replace("ShiftModel1", "shift_block").replace(".Model.", ".body.")
        name = name.replace("VggExtract.RGB_", "vgg_extractor.")
        return re.sub(
            r"VggExtract\.model\.features\.(\d+)", lambda found: f"vgg_extractor.vgg_net.{vgg[found[1]]}", name
        )

    return {f"params.{renamed(name)}": tensor for name, tensor in state.items()}


class Peer:
    """The forward pass of UNetDictFace, from its state dict."""

    def __init__(self, state, atoms):
        self.state, self.atoms = state, atoms

    def conv(self, x, name, dilation=1):
        weight = self.state.get(f"{name}.weight")
        if weight is None:
            weight = self.state[f"{name}.weight_orig"]
            sigma = torch.dot(self.state[f"{name}.weight_u"], weight.flatten(1) @ self.state[f"{name}.weight_v"])
            weight = weight / sigma
        return F.conv2d(x, weight, self.state[f"{name}.bias"], padding=dilation, dilation=dilation)

    def two(self, x, name, dilation=1):
        return self.conv(F.leaky_relu(self.conv(x, f"{name}.0", dilation), 0.2), f"{name}.2", dilation)

    def vgg(self, x):
        x = ((x + 1) / 2 - self.state["VggExtract.RGB_mean"]) / self.state["VggExtract.RGB_std"]
        features = []
        for place in range(35):
            if f"VggExtract.model.features.{place}.weight" in self.state:
                x = self.conv(x, f"VggExtract.model.features.{place}")
            elif place in (4, 9, 18, 27):
                x = F.max_pool2d(x, 2)
            else:
                x = F.relu(x)  # in place there: the cuts at 8, 17 and 26 see it, the last one none
            if place in (8, 17, 26, 34):
                features.append(x)
        return features

    def swapped(self, feature, side, boxes):
        updated = feature.clone()
        for short, part in SHORT.items():
            x0, y0, x1, y1 = (int(edge // (512 / side)) for edge in boxes[part])
            own = feature[:, :, y0:y1, x0:x1]
            atoms = self.atoms[f"{part}_{side}"]
            small = F.interpolate(own, atoms.shape[2:], mode="bilinear", align_corners=False)

            def statistics(x):
                flat = x.reshape(*x.shape[:2], -1)
                return flat.mean(2)[..., None, None], (flat.var(2) + 1e-5).sqrt()[..., None, None]

            (mean, deviation), (style_mean, style_deviation) = statistics(atoms), statistics(small)
            adapted = (atoms - mean) / deviation * style_deviation + style_mean
            index = torch.argmax(F.softmax(F.conv2d(small, adapted).view(-1), dim=0))
            swap = F.interpolate(adapted[index : index + 1], own.shape[2:])
            updated[:, :, y0:y1, x0:x1] = self.two(swap - own, f"{short}_{side}") * swap + own
        return updated

    def up(self, x, style, n):
        kernel = torch.tensor([[1.0, 2, 1], [2, 4, 2], [1, 2, 1]]) / 16
        x = F.conv2d(x, kernel.repeat(x.shape[1], 1, 1, 1), padding=1, groups=x.shape[1])
        x = F.leaky_relu(F.leaky_relu(self.conv(x, f"up{n}.conv1.1"), 0.2), 0.2)
        x = x * self.two(style, f"up{n}.ScaleModel1") + torch.sigmoid(self.two(style, f"up{n}.ShiftModel1"))
        x = F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
        return F.leaky_relu(self.conv(x, f"up{n}.convup.1"), 0.2)

    def __call__(self, x, boxes):
        features = self.vgg(x)
        updated = [self.swapped(feature, side, boxes) for feature, side in zip(features, WIDTHS, strict=True)]
        last = features[3]
        views = [self.two(last, f"MSDilate.conv{n}", 5 - n) for n in (1, 2, 3, 4)]
        x = self.conv(torch.cat(views, 1), "MSDilate.convi") + last
        for n in range(4):
            x = self.up(x, updated[3 - n], n)
        x = F.leaky_relu(self.conv(x, "up4.0"), 0.2)
        for n in (2, 3):
            x = x + self.two(x, f"up4.{n}.Model")
        return torch.tanh(self.conv(x, "up4.4"))


def _random_atoms(count):
    random = torch.Generator().manual_seed(1)
    return {
        f"{part}_{side}": torch.rand(count, width, *(2 * [size * side // 512]), generator=random)
        for side, width in WIDTHS.items()
        for part, size in PARTS.items()
    }


@pytest.fixture(scope="module")
def state():
    return _authors_state()


@pytest.fixture
def read_as(monkeypatch, tmp_path):
    """Return what reads a state as if a file of 400 MB held it."""
    path = tmp_path / "face.pth"
    path.write_bytes(b"")

    def read(tensors):
        monkeypatch.setattr(weightfile, "read", lambda _: dict(tensors))
        return weightfile.load_network(path)

    return read


BOXES = {
    "left_eye": parts.Box(2, 16, 38, 52),
    "right_eye": parts.Box(30, 18, 63, 51),
    "nose": parts.Box(17, 20, 50, 53),
    "mouth": parts.Box(16, 30, 50, 64),
}


def test_the_network_is_the_authors_layer_by_layer_in_both_layouts(state, read_as):
    """At 64 pixels, where the features are an eighth as large; the boxes overlap."""
    random = torch.Generator().manual_seed(2)
    atoms, image = _random_atoms(3), torch.rand(1, 3, 64, 64, generator=random) * 2 - 1
    unused = [
        "to_rgb0.0.bias",
        "up1.conv1.0.weight_flip",
        "VggExtract.model.classifier.0.bias",
        "VggExtract.features.0.0.bias",
    ]
    layouts = {
        "authors": state | dict.fromkeys(unused, torch.zeros(1)),
        "BasicSR": _basicsr_state(state),
    }
    with torch.inference_mode():
        truth = Peer(state, atoms)(image, BOXES)
        assert truth.std() > 0.01
        for layout, tensors in layouts.items():
            got = read_as(tensors)(image, BOXES, atoms)
            assert (got - truth).abs().max() < 1e-4 * truth.std(), layout


def test_v_is_made_of_the_others_where_an_old_file_lacks_it(state, read_as):
    name = "up0.conv1.1.weight"
    whole = dict(state)
    whole[f"{name}_v"] = F.normalize(whole[f"{name}_orig"].flatten(1).T @ whole[f"{name}_u"], dim=0)
    old = {key: tensor for key, tensor in whole.items() if key != f"{name}_v"}
    made = read_as(old).upsample0.conv1[1].weight
    torch.testing.assert_close(made, read_as(whole).upsample0.conv1[1].weight, rtol=1e-5, atol=0)


@pytest.mark.parametrize("layout", ["authors", "BasicSR"])
def test_every_tensor_has_a_place_and_every_place_a_tensor(layout, state, read_as):
    tensors = state if layout == "authors" else _basicsr_state(state)
    odd = [name for name in tensors if name.endswith(("weight_u", "bias", "mean"))][::60]
    assert len(odd) in (3, 4)
    for name in odd:
        with pytest.raises(AssetError, match=r"face.pth.*(incomplete|missing|holds no DFDNet)"):
            read_as({key: tensor for key, tensor in tensors.items() if key != name})
    first = odd[-1]
    for faulty, says in (
        ({first: tensors[first][:0]}, "of another shape|fits no DFDNet|not finite"),
        ({first: tensors[first] * torch.nan}, "not finite"),
        ({"params.more" if layout == "BasicSR" else "more": torch.zeros(1)}, "1 unexpected: more"),
    ):
        with pytest.raises(AssetError, match=rf"face.pth.*({says})"):
            read_as(tensors | faulty)


def test_the_nearest_atom_is_found_by_hand():
    rng = np.random.default_rng(0)
    part, atoms = rng.random((4, 9, 9)), rng.random((70, 4, 9, 9))
    scores, adapted = [], []
    for atom in atoms:
        like = np.empty_like(atom)
        for c in range(4):
            deviation = np.sqrt(atom[c].var(ddof=1) + 1e-5)
            like[c] = (atom[c] - atom[c].mean()) / deviation * np.sqrt(part[c].var(ddof=1) + 1e-5) + part[c].mean()
        scores.append((like * part).sum())
        adapted.append(like)
    best = int(np.argmax(scores))
    assert best >= 32, "it must not lie in the first piece"
    for twice in (atoms, np.concatenate([atoms, atoms])):
        got = network.nearest_atom(torch.from_numpy(part)[None], torch.from_numpy(twice))
        np.testing.assert_allclose(got[0].numpy(), adapted[best], atol=1e-12)


def test_boxes_are_those_of_the_authors():
    points = np.full((68, 2), 250.0)
    points[36:42] = [[180, 240], [190, 232], [201, 232], [210, 241], [200, 246], [190, 246]]
    points[17:22] = [[165, 215], [175, 205], [188, 202], [202, 205], [214, 212]]
    points[48:68, 0] = np.linspace(205.5, 306.5, 20)
    points[48:68, 1] = 380
    found = parts.boxes(points)
    # the mean of the eye's points is (192.27, 225.09), half of the larger extent 24.5
    assert found["left_eye"] == (168, 201, 216, 249)
    assert found["mouth"] == (206, 330, 306, 430)
    assert found["nose"] == found["right_eye"] == (235, 235, 266, 266)
    points[48:68, 1] = 500
    with pytest.raises(MethodError, match=r"box of the mouth leaves the image: got x 206 to 306, y 450 to 550"):
        parts.boxes(points)


def test_the_mean_face_is_an_upright_one():
    points = parts.mean_face()
    assert points.shape == (68, 2)
    boxes = parts.boxes(points)
    np.testing.assert_allclose(points[:17, 0] + points[16::-1, 0], 512, atol=12)  # the outline is symmetric
    left, right, nose, mouth = ((boxes[part].left + boxes[part].right) / 2 for part in parts.LANDMARKS)
    assert left < nose < right
    assert abs(nose - mouth) < 8
    assert boxes["left_eye"].top < boxes["nose"].top < boxes["mouth"].top


def _write_arrays(folder: Path, atoms):
    for name, tensor in atoms.items():
        np.save(folder / f"{name}_center.npy", tensor.flatten(1).numpy())
    return [folder / file for file in parts.ARRAYS.values()]


def test_both_forms_of_the_dictionary_are_read_and_pickles_of_arrays_alone(tmp_path):
    atoms = _random_atoms(2)
    files = _write_arrays(tmp_path, atoms)
    files[0].write_bytes(
        atoms["left_eye_256"].flatten(1).numpy().dumps()
    )  # a pickle, as the authors' files may be
    torch.save(
        {str(side): {part: atoms[f"{part}_{side}"] for part in PARTS} for side in WIDTHS}, tmp_path / "d.pth"
    )
    for read in (dictionary.load(files), dictionary.load([tmp_path / "d.pth"])):
        assert {name: tensor.tolist() for name, tensor in read.items()} == {
            n: t.tolist() for n, t in atoms.items()
        }


class Call:
    def __reduce__(self):
        return print, ("called",)


def test_another_dictionary_is_refused_in_one_sentence(tmp_path, capsys):
    atoms = _random_atoms(1)
    files = _write_arrays(tmp_path, atoms)
    np.array([Call()]).dump(files[3])
    with pytest.raises(
        AssetError, match=r"mouth_256_center.npy .* cannot be read: got .*asks for __builtin__.print"
    ):
        dictionary.load(files)
    np.save(files[3], np.zeros((2, 128 * 40 * 40), np.float32))
    with pytest.raises(
        AssetError, match=r"holds no atoms of mouth_256: got \(2, 204800\), expected finite ones of"
    ):
        dictionary.load(files)
    files[3].unlink()
    with pytest.raises(AssetError, match=r"lacks mouth_256_center.npy; copy the authors' whole folder"):
        dictionary.load(files)
    odd = {"256": {"left_eye": atoms["left_eye_256"], "chin": torch.zeros(1, 128, 4, 4)}}
    torch.save(odd, tmp_path / "odd.pth")
    with pytest.raises(AssetError, match=r"has other parts: got chin_256, left_eye_256, expected left_eye_256"):
        dictionary.load([tmp_path / "odd.pth"])
    torch.save({"256": {"left_eye": Call()}}, tmp_path / "calls.pth")
    with pytest.raises(AssetError, match="more than weights"):
        dictionary.load([tmp_path / "calls.pth"])
    assert capsys.readouterr().out == ""


class Finder:
    """dlib, as far as this method knows it; the eyes of a bright image lie elsewhere."""

    def largest_face(self, image):
        if image.max() < 50:
            raise ImageError("dlib finds no face in the HR image")
        return image.mean()

    def points(self, image, face):
        return np.full((68, 2), 100.0 if face < 128 else 200.0)


@pytest.mark.parametrize(
    ("landmarks", "lr", "sides"),
    [("auto", 31, "mean"), ("auto", 32, 100), ("bicubic", 8, 100), ("mean", 64, "mean"), ("hr", 8, 200)],
)
def test_whose_landmarks_a_face_gets(landmarks, lr, sides):
    method = create(f"dfdnet[landmarks={landmarks}]").method
    method.__dict__["_finder"] = Finder()
    method._atoms, seen = {}, []
    method.network = lambda image, boxes, atoms: seen.append((image, boxes)) or image
    inputs = Batch(
        torch.full((1, 3, lr, lr), 0.3), 8, ("a",), (0,), CATEGORY, {"hr": torch.full((1, 3, 8 * lr, 8 * lr), 0.9)}
    )
    made = method.restore(inputs).sr
    (image, boxes) = seen[0]
    assert method.sees_hr is (landmarks == "hr")
    assert image.shape[2:] == (512, 512)
    torch.testing.assert_close(image, torch.full_like(image, -0.4))
    torch.testing.assert_close(made, torch.full((1, 3, 8 * lr, 8 * lr), 0.3))
    expected = parts.mean_face() if sides == "mean" else np.full((68, 2), float(sides))
    assert boxes == parts.boxes(expected)


def test_bad_input_is_one_sentence(monkeypatch, tmp_path):
    method = create("dfdnet[landmarks=bicubic]").method
    method.__dict__["_finder"] = Finder()
    with pytest.raises(MethodError, match=r"^dlib finds no face in the enlarged LR image; give landmarks=mean$"):
        method.restore(Batch(torch.zeros(1, 3, 64, 64), 8, ("a",), (0,), CATEGORY))
    monkeypatch.setattr(dfdnet, "find_spec", lambda _: None)
    assert "finds landmarks with the package dlib; pip install" in method.supports(
        (64, 64), (512, 512), 8, CATEGORY
    )
    assert build("dfdnet").supports((16, 16), (512, 512), 32, CATEGORY) is None
    assert "restores faces" in build("dfdnet").supports((32, 32), (512, 512), 16, Category("c", "cats"))
    with pytest.raises(UsageError, match=r"unknown weights of the dictionary of dfdnet 'DFDNet'"):
        build("dfdnet[dictionary=DFDNet]").assets()
    names = [Path(asset.name).name for asset in build("dfdnet").assets()]
    assert names[:2] == ["DFDNet_official-d1fa5650.pth", "DFDNet_dict_512-f79685f0.pth"]
    assert names[2:] == ["shape_predictor_68_face_landmarks.dat", "mean_face.csv"]
    (tmp_path / "w.pth").touch()
    _, *arrays = build(f"dfdnet[weights={tmp_path / 'w.pth'},dictionary={tmp_path},landmarks=hr]").assets()
    assert len(arrays) == 16 + 1


def test_landmarks_are_part_of_the_identity():
    identities = {create(f"dfdnet[landmarks={one}]").identity for one in ("auto", "bicubic", "mean", "hr")}
    assert len(identities) == 4
