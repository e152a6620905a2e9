"""How training images are varied: samples warped when they are made, images mirrored and recoloured when drawn."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F


@dataclass(frozen=True)
class Augmentation:
    """A mirroring and recolouring, linear, so that it commutes with the protocol's shrinking but for clipping."""

    saturation: float
    contrast: float
    light: float
    gains: tuple[float, float, float]
    mirrored: bool

    def __call__(self, image: Tensor) -> Tensor:
        """Change an image (3, h, w) in [-1, 1], and round it to 8 bits as every image is."""
        grey = image.mean(0, keepdim=True)
        gains = image.new_tensor(self.gains)[:, None, None]
        image = torch.lerp(grey, image, self.saturation) * self.contrast * gains + self.light
        image = ((image.clamp(-1, 1) + 1) * 127.5).round() / 127.5 - 1
        return image.flip(-1) if self.mirrored else image


def draw_augmentation(rng: np.random.Generator) -> Augmentation:
    """Return a random augmentation."""
    low, middle, high = rng.uniform(0.9, 1.1, 3).tolist()
    return Augmentation(
        rng.uniform(0.5, 1.3),
        rng.uniform(0.7, 1.2),
        rng.uniform(-0.2, 0.15),
        (low, middle, high),
        rng.random() < 0.7,
    )


def warp(image: Tensor, seed: int) -> Tensor:
    """Stretch, turn and warp an image (3, H, W) smoothly: other proportions of the face, with its skin and eyes.

    Up to 8 % of stretching a side and 4 degrees, and a displacement of 1 % of the side (standard deviation) at the
    nodes of a 6 by 6 grid, cubic between them.
    """
    rng = np.random.default_rng(seed)
    across, down = 0.97 * np.exp(rng.uniform(-0.08, 0.08, 2))
    turn = np.deg2rad(rng.uniform(-4, 4))
    nodes = image.new_tensor(rng.normal(0, 0.02, (1, 2, 6, 6)))
    affine = image.new_tensor([[across * np.cos(turn), -np.sin(turn), 0], [np.sin(turn), down * np.cos(turn), 0]])
    grid = F.affine_grid(affine[None], [1, *image.shape], align_corners=False)
    grid = grid + F.interpolate(nodes, image.shape[1:], mode="bicubic", align_corners=True).permute(0, 2, 3, 1)
    return F.grid_sample(image[None], grid, mode="bicubic", padding_mode="reflection", align_corners=False)[0]
