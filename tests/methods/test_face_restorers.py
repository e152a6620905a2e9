"""Face restorers and other networks of scale 1: how they are fed, and which files they take."""

from __future__ import annotations

import os
from types import SimpleNamespace

import pytest
import torch

from bench.base.errors import AssetError, UsageError
from bench.base.types import Category
from bench.images.degradation import resize_tensor
from bench.registry.methods import build
from methods import codeformer
from methods.shared.networks import checkpoint
from tests.methods.common import CPU, batch, photo_batch

NAMES = {"gfpgan": "GFPGAN", "codeformer": "CodeFormer", "restoreformer": "RestoreFormer"}


def network(name):
    """Return the network of a method with random weights."""
    if name == "codeformer":
        module = pytest.importorskip("spandrel_extra_arches.architectures.CodeFormer")
    else:
        module = pytest.importorskip(f"spandrel.architectures.{NAMES[name]}")
    made = getattr(module, NAMES[name])
    return (
        made(out_size=512, different_w=True, input_is_latent=True, sft_half=True) if name == "gfpgan" else made()
    )


@pytest.mark.filterwarnings("ignore:.*torch.jit.script:FutureWarning")  # networks beside CodeFormer's
@pytest.mark.parametrize("name", NAMES)
def test_a_file_of_the_official_layout_is_read_whole_or_refused_by_name(name, tmp_path, monkeypatch):
    state, path = network(name).state_dict(), tmp_path / "face.pth"
    path.write_bytes(b"")
    os.truncate(path, 400 << 20)  # the size of the official files; what is read is put in its place
    first, *_, last = state
    cases = {
        last: {key: value for key, value in state.items() if key != last},
        "more.weight": state | {"more.weight": torch.zeros(1)},
        f"{first}2": {f"{key}2" if key == first else key: value for key, value in state.items()},
    }
    for says, tensors in ({"": state} | cases).items():
        monkeypatch.setattr(checkpoint, "_read", lambda _, tensors=tensors: {"params_ema": tensors})
        method = build(f"{name}:{path}")
        if says:
            with pytest.raises(AssetError, match=f"face.pth.*{says}|no architecture"):
                method.load(CPU)
        else:
            method.load(CPU)
            assert all(value.equal(state[key]) for key, value in method.network.state_dict().items())
    with pytest.raises(AssetError, match=rf"is not ESRGAN: got {NAMES[name]}; use spandrel"):
        monkeypatch.setattr(checkpoint, "_read", lambda _: {"params_ema": state})
        build(f"esrgan:{path}").load(CPU)


def test_a_face_is_fed_at_512_and_resized_to_hr():
    method, inputs = build("gfpgan"), photo_batch(16, 8, 8)
    seen = []
    method.forward = lambda image: seen.append(image) or image * 2 - 0.5
    made = method.restore(inputs).sr
    fed = resize_tensor(inputs.lr.double(), 512, 512).clamp(0, 1).float()
    torch.testing.assert_close(seen[0], fed)
    wanted = resize_tensor((fed * 2 - 0.5).clamp(0, 1).double(), 128, 128).clamp(0, 1).float()
    torch.testing.assert_close(made, wanted)
    torch.testing.assert_close(method.restore(photo_batch(32, 16, 16)).sr, (seen[1] * 2 - 0.5).clamp(0, 1))


@pytest.mark.parametrize("architecture", checkpoint.FACE_NETWORKS)
def test_a_face_network_sees_and_gives_minus_one_to_one(architecture):
    """spandrel's own calls, which feed [0, 1] to two of the three, are not used."""

    def run(image, weight=0.5):
        assert image.min() == -1
        assert image.max() == 1
        return image.square() * 2 * weight - 1, None

    model = SimpleNamespace(architecture=SimpleNamespace(id=architecture), model=run)
    upscaler = checkpoint._upscaler(model, {"weight": 0.25})
    image = torch.tensor([0.0, 0.25, 0.75, 1.0]).expand(1, 3, 4, 4)
    torch.testing.assert_close(upscaler.forward(image), (2 * image - 1).square() / 4)
    assert (upscaler.scale, upscaler.side) == (1, 512)


def test_noise_follows_the_seed_of_each_image():
    method, inputs = build("gfpgan"), batch(16, 4, 4, names=("a", "b"))
    method.forward = lambda image: image + 0.1 * torch.randn_like(image)
    before = torch.get_rng_state()
    one, again = method.restore(inputs).sr, method.restore(inputs).sr
    assert torch.get_rng_state().equal(before)
    assert one.equal(again)
    alone = inputs.__class__(inputs.lr[1:], 16, ("b",), inputs.seeds[1:], inputs.category)
    assert method.restore(alone).sr[0].equal(one[1])


def test_what_is_no_aligned_face_or_cannot_be_run_is_refused(monkeypatch):
    method = build("codeformer")
    monkeypatch.setattr(codeformer, "find_spec", lambda _: None)
    reason = method.supports((8, 8), (128, 128), 16, Category("c", "faces"))
    assert reason.endswith("install its package with: pip install 'glean-bench[codeformer]'")
    monkeypatch.setattr(codeformer, "find_spec", lambda _: True)
    assert method.supports((8, 8), (128, 128), 16, Category("c", "faces")) is None
    assert "restores faces, this category shows cats" in method.supports(
        (8, 8), (128, 128), 16, Category("c", "cats")
    )
    assert "square images, this LR is 9x8" in method.supports((8, 9), (128, 144), 16, Category("c", None))
    with pytest.raises(UsageError, match=r"no such fidelity: got 2\.0, expected 0 to 1"):
        build("codeformer[fidelity=2]")
    with pytest.raises(UsageError, match=r"unknown weights of gfpgan 'GFPGANv1'.*did you mean GFPGANv1\.4"):
        build("gfpgan[weights=GFPGANv1]").assets()


def test_what_a_row_says():
    assert build("gfpgan").title == "GFPGANv1.4, trained for 1x to 8x, blind"
    assert build("codeformer").title == "codeformer, trained for 1x to 30x, blind"
    assert "no commercial use" in build("codeformer").notes
