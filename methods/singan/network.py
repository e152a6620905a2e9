"""The networks and losses of SinGAN: five convolutions without padding, and WGAN-GP."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

LAYERS = 5
PAD = LAYERS
"""What five 3x3 convolutions take away at each side."""
RECONSTRUCTION, PENALTY = 100.0, 0.1
"""The published weights of the super-resolution mode; its other modes rebuild with 10."""


def _block(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(inputs, outputs, 3), nn.BatchNorm2d(outputs), nn.LeakyReLU(0.2))


def _body(width: int) -> nn.Sequential:
    return nn.Sequential(_block(3, width), *(_block(width, width) for _ in range(LAYERS - 2)))


class Generator(nn.Module):
    """Adds what is missing to the image of the coarser scale."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.width, self.body, self.last = width, _body(width), nn.Conv2d(width, 3, 3)

    def forward(self, noise: Tensor, image: Tensor) -> Tensor:
        """Return an image in about [-1, 1] from noise and the enlarged coarser image, both (1, 3, h, w)."""
        return image + torch.tanh(self.last(self.body(F.pad(noise + image, [PAD] * 4))))


class Critic(nn.Module):
    """Scores patches of 11 pixels."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.width, self.body, self.last = width, _body(width), nn.Conv2d(width, 1, 3)

    def forward(self, image: Tensor) -> Tensor:
        """Return a map of scores (1, 1, h - 10, w - 10)."""
        return self.last(self.body(image))


def initialise(network: nn.Module, generator: torch.Generator, *, biased: bool = False) -> None:
    """Draw the published initial weights from a generator of random numbers.

    The published biases of convolutions are PyTorch's default; without `biased` they are 0.
    """
    for module in network.modules():
        if isinstance(module, nn.Conv2d) and module.bias is not None:
            nn.init.normal_(module.weight, 0.0, 0.02, generator=generator)
            bound = module.weight[0].numel() ** -0.5 if biased else 0.0
            nn.init.uniform_(module.bias, -bound, bound, generator=generator)
        elif isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.weight, 1.0, 0.02, generator=generator)
            nn.init.zeros_(module.bias)


def critic_loss(critic: Callable[[Tensor], Tensor], real: Tensor, fake: Tensor, share: Tensor) -> Tensor:
    """Return the loss of the critic, with the penalty at a point between the two images.

    Args:
        critic: the network.
        real: the image of this scale.
        fake: a generated one.
        share: of the real image at that point, a scalar in [0, 1].
    """
    between = (share * real + (1 - share) * fake).detach().requires_grad_()
    (slope,) = torch.autograd.grad(critic(between).sum(), between, create_graph=True)
    penalty = ((slope.norm(dim=1) - 1) ** 2).mean()
    return critic(fake).mean() - critic(real).mean() + PENALTY * penalty


def generator_loss(scores: Tensor, rebuilt: Tensor, real: Tensor) -> Tensor:
    """Return the loss of the generator: its critic's scores, and how far it rebuilds the real image."""
    return RECONSTRUCTION * F.mse_loss(rebuilt, real) - scores.mean()
