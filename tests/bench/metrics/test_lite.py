"""The EfficientNet-Lite distances on their real weights."""

import numpy as np
import pytest
import skimage.data
import timm
import torch
from PIL import Image

from bench.base.errors import AssetError, ImageError
from bench.images.png import to_tensor
from bench.networks.efficientnet_lite import ASSETS, LiteFeatures, distance, named_like
from bench.networks.imagenet import read_weights
from bench.registry import METRICS
from tests.conftest import photo

CATS = range(281, 286)
"""ImageNet's domestic cats."""


@pytest.fixture(scope="module", params=["lite0", "lite2"])
def variant(request) -> str:
    return request.param


@pytest.fixture(scope="module")
def metric(variant: str):
    metric = METRICS.create(variant)
    metric.load(torch.device("cpu"))
    return metric


@pytest.fixture(scope="module")
def features(metric) -> LiteFeatures:
    return metric.network


@pytest.fixture(scope="module")
def classifier(variant: str) -> torch.nn.Module:
    """The whole network with the file's values, put in place by their order alone."""
    network = timm.create_model(f"tf_efficientnet_{variant}")
    network.load_state_dict(named_like(network.state_dict(), read_weights(ASSETS[variant])))
    return network.eval()


def normalised(image: torch.Tensor) -> torch.Tensor:
    mean, deviation = np.array([[0.485, 0.456, 0.406], [0.229, 0.224, 0.225]], np.float32)[..., None, None]
    return (image - torch.from_numpy(mean)) / torch.from_numpy(deviation)


def test_network_recognises_a_cat(classifier) -> None:
    cat = np.asarray(Image.fromarray(skimage.data.chelsea()).resize((320, 224), Image.Resampling.BICUBIC))
    with torch.no_grad():
        assert classifier(normalised(to_tensor(cat)))[0].argmax().item() in CATS


def test_distance_is_its_definition_on_the_whole_network(metric, classifier) -> None:
    hr, sr = photo(0, 96, 64), photo(1, 96, 64)
    kept: list[list[np.ndarray]] = []
    stages = [classifier.blocks[k] for k in (0, 1, 2, 4, 6)]
    hooks = [stage.register_forward_hook(lambda _m, _i, out: kept[-1].append(out[0].numpy())) for stage in stages]
    for image in (hr, sr):
        kept.append([])
        with torch.no_grad():
            classifier(normalised(to_tensor(image)))
    for hook in hooks:
        hook.remove()
    by_stage = []
    for pair in zip(*kept, strict=True):
        a, b = (stage.astype(np.float64) for stage in pair)
        cosine = (a * b).sum(0) / np.linalg.norm(a, axis=0) / np.linalg.norm(b, axis=0)
        by_stage.append((2 - 2 * cosine).mean())
    value = metric.compare(sr, metric.features(hr), 16)
    assert value == pytest.approx(np.mean(by_stage), rel=1e-4)
    assert value > 0.1


def test_distance_grows_with_blur_and_is_zero_for_equal_images(metric) -> None:
    face = Image.fromarray(skimage.data.astronaut()).resize((128, 128), Image.Resampling.LANCZOS)
    described = metric.features(np.asarray(face))
    worse = [
        np.asarray(
            face.resize((side, side), Image.Resampling.BICUBIC).resize((128, 128), Image.Resampling.BICUBIC)
        )
        for side in (128, 64, 32, 16, 8)
    ]
    values = [metric.compare(image, described, 16) for image in worse]
    assert values[0] == 0
    assert [metric.compare(image, described, 16) for image in reversed(worse)] == values[::-1]
    assert values == sorted(set(values))


def test_features_have_unit_length_and_five_strides(features) -> None:
    maps = features(to_tensor(photo(0)))
    assert [64 // stage.shape[-1] for stage in maps] == [2, 4, 8, 16, 32]
    for stage in maps:
        torch.testing.assert_close(stage.norm(dim=1), torch.ones_like(stage[:, 0]), atol=1e-4, rtol=0)


def test_as_a_loss_it_pulls_the_image_and_never_learns(features) -> None:
    around = torch.nn.Sequential(features).train()
    target = features(to_tensor(photo(0)))
    image = to_tensor(photo(1)).requires_grad_()
    loss = distance(around(image), target)
    assert loss.shape == (1,)
    loss.sum().backward()
    assert not features.network.training
    assert not any(parameter.requires_grad for parameter in features.parameters())
    step = image.detach() - 0.5 * image.grad / image.grad.norm()
    assert distance(features(step), target).item() < loss.item()


def test_a_batch_gives_what_single_images_give(features) -> None:
    images, target = torch.cat([to_tensor(photo(k)) for k in range(3)]), features(to_tensor(photo(5)))
    whole = distance(features(images), [stage.expand(3, -1, -1, -1) for stage in target])
    single = torch.cat([distance(features(image[None]), target) for image in images])
    torch.testing.assert_close(whole, single, rtol=1e-4, atol=0)


def test_loading_draws_nothing_from_the_global_generator(variant) -> None:
    before = torch.get_rng_state()
    LiteFeatures(variant)
    assert torch.equal(before, torch.get_rng_state())


def test_another_size_is_refused(metric) -> None:
    with pytest.raises(ImageError, match="one size"):
        metric.compare(photo(1, 64, 32), metric.features(photo(0)), 4)
    with pytest.raises(ImageError, match="at least 32"):
        metric.features(photo(0)[:31])


def test_a_file_of_other_shapes_is_refused() -> None:
    with pytest.raises(AssetError, match="does not fit"):
        named_like({"a": torch.zeros(2)}, {"b": torch.zeros(3)})
