"""SRNTT's networks, layer by layer as the authors' TensorFlow code has them (ZZUTK/SRNTT, `SRNTT/model.py`).

Their files are lists of arrays in the order of the layers, without names: a convolution's kernel (kh, kw, in, out)
and its bias where it has one, a normalisation's beta, gamma, mean and variance.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

WIDTH = 64
CONTENT_BLOCKS = 16
LEVELS = ((256, 16), (128, 8), (64, 4))
"""The channels of the map that each scale gets, and its residual blocks: at 1x, 2x and 4x of the LR."""
SCALE = 4


def _conv(before: int, after: int, side: int = 3, *, bias: bool = True) -> nn.Conv2d:
    return nn.Conv2d(before, after, side, padding=side // 2, bias=bias)


class Norm(nn.Module):
    """A normalisation by stored statistics, in the order of the authors' files."""

    mean: Tensor
    variance: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.beta, self.gamma = nn.Parameter(torch.zeros(WIDTH)), nn.Parameter(torch.ones(WIDTH))
        self.register_buffer("mean", torch.zeros(WIDTH))
        self.register_buffer("variance", torch.ones(WIDTH))

    def forward(self, x: Tensor) -> Tensor:
        return F.batch_norm(x, self.mean, self.variance, self.gamma, self.beta, eps=1e-5)


class Residual(nn.Module):
    """Two convolutions without bias, each normalised, and the input on top."""

    def __init__(self) -> None:
        super().__init__()
        convs = [_conv(WIDTH, WIDTH, bias=False) for _ in range(2)]
        self.body = nn.Sequential(convs[0], Norm(), nn.ReLU(), convs[1], Norm())

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = x + self.body(x)
        return result


class Trunk(nn.Sequential):
    """Residual blocks, a convolution and a normalisation; what comes on top is the caller's."""

    def __init__(self, blocks: int) -> None:
        super().__init__(*(Residual() for _ in range(blocks)), _conv(WIDTH, WIDTH, bias=False), Norm())


class Upscale(nn.Module):
    """Twice the size: a convolution whose channels become pixels."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = _conv(WIDTH, 4 * WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        """Return (N, 64, 2h, 2w); channel 4-tuples lie as TensorFlow's depth_to_space has them."""
        y = self.conv(x)
        n, _, h, w = y.shape
        pixels = y.view(n, 2, 2, WIDTH, h, w).permute(0, 3, 4, 1, 5, 2)
        return F.relu(pixels.reshape(n, WIDTH, 2 * h, 2 * w))


class ContentExtractor(nn.Module):
    """From the LR to its features, and an enlargement without reference."""

    def __init__(self) -> None:
        super().__init__()
        self.head = _conv(3, WIDTH)
        self.trunk = Trunk(CONTENT_BLOCKS)
        self.upscale = nn.Sequential(Upscale(), Upscale(), _conv(WIDTH, 3, 1))

    def forward(self, lr: Tensor) -> Tensor:
        """Return the features (N, 64, h, w) of an LR in [-1, 1]."""
        first = F.relu(self.head(lr))
        features: Tensor = self.trunk(first) + first
        return features

    def enlarge(self, lr: Tensor) -> Tensor:
        """Return an LR (N, 3, h, w) in [-1, 1] four times as large, in [-1, 1]."""
        return torch.tanh(self.upscale(self(lr)))


class Transfer(nn.Module):
    """One scale: features and a map of textures go in, features of the same size come out."""

    def __init__(self, channels: int, blocks: int) -> None:
        super().__init__()
        self.head = _conv(WIDTH + channels, WIDTH)
        self.trunk = Trunk(blocks)

    def forward(self, features: Tensor, textures: Tensor) -> Tensor:
        first = F.relu(self.head(torch.cat([features, textures], 1)))
        result: Tensor = self.trunk(first) + features
        return result


class TextureTransfer(nn.Module):
    """From the features of the LR and three maps of textures to the result."""

    def __init__(self) -> None:
        super().__init__()
        small, medium, large = (Transfer(channels, blocks) for channels, blocks in LEVELS)
        self.small, self.small_up = small, Upscale()
        self.medium, self.medium_up = medium, Upscale()
        self.large, self.out = large, nn.Sequential(_conv(WIDTH, 32), _conv(32, 3, 1))

    def forward(self, features: Tensor, textures: Sequence[Tensor]) -> Tensor:
        """Return the image in [-1, 1], (N, 3, 4h, 4w).

        Args:
            features: of the LR, (N, 64, h, w).
            textures: at 1x, 2x and 4x of the LR, with 256, 128 and 64 channels.
        """
        x = self.small_up(self.small(features, textures[0]))
        x = self.medium_up(self.medium(x, textures[1]))
        return torch.tanh(self.out(self.large(x, textures[2])))


class Srntt(nn.Module):
    """Both networks."""

    def __init__(self) -> None:
        super().__init__()
        self.content, self.transfer = ContentExtractor(), TextureTransfer()


def parts(module: nn.Module) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Yield the names of a network's arrays in the order of the authors' files, each with the turn of its axes."""
    for name, layer in module.named_modules():
        if isinstance(layer, nn.Conv2d):
            yield f"{name}.weight", (3, 2, 0, 1)
            if layer.bias is not None:
                yield f"{name}.bias", (0,)
        elif isinstance(layer, Norm):
            for kind in ("beta", "gamma", "mean", "variance"):
                yield f"{name}.{kind}", (0,)


class Vgg(nn.Module):
    """VGG19 up to relu3_1."""

    MEAN = (123.68, 116.779, 103.939)

    def __init__(self) -> None:
        super().__init__()
        self.conv1_1, self.conv1_2 = _conv(3, 64), _conv(64, 64)
        self.conv2_1, self.conv2_2 = _conv(64, 128), _conv(128, 128)
        self.conv3_1 = _conv(128, 256)

    def forward(self, image: Tensor) -> list[Tensor]:
        """Return relu3_1, relu2_1 and relu1_1 of an image in [-1, 1] whose sides are multiples of 4."""
        x = (image + 1) * 127.5 - image.new_tensor(self.MEAN).view(1, 3, 1, 1)
        first = F.relu(self.conv1_1(x))
        second = F.relu(self.conv2_1(F.max_pool2d(F.relu(self.conv1_2(first)), 2)))
        third = F.relu(self.conv3_1(F.max_pool2d(F.relu(self.conv2_2(second)), 2)))
        return [third, second, first]
