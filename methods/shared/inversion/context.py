"""What a search needs beside the image: the bank, the perceptual network, and the nearest random candidates."""

from collections.abc import Callable
from typing import NamedTuple, TypeVar

import torch
from torch import Tensor

from bench import Bank
from bench.base.errors import lacked_memory
from bench.images.degradation import resize_tensor
from methods.shared.inversion.search import Draw, full_image
from methods.shared.inversion.surrogates import surrogates_for
from methods.shared.networks.perceptual_networks import Network, Perceptual

T = TypeVar("T")


class SearchContext(NamedTuple):
    """What is the same for every image."""

    bank: Bank
    perceptual: Perceptual
    network: Network
    """The name of the perceptual network."""
    label: Tensor | None = None
    """Of a bank with classes, (1,)."""

    def draw(self, z: Tensor, stop_at: int | None = None) -> Draw:
        """Make the images of Gaussian z (N, width)."""
        return self.synthesise(self.bank.map(z), stop_at=stop_at)

    def synthesise(
        self, latents: Tensor, *, stop_at: int | None = None, start: tuple[int, Tensor] | None = None
    ) -> Draw:
        """Make the images of latents (N, width) or (N, slots, width), of the context's class."""
        label = None if self.label is None else self.label.expand(len(latents))
        return Draw(self.bank.synthesise(latents, start=start, stop_at=stop_at, label=label), latents)

    def perceptual_distance_to(self, lr: Tensor) -> Callable[[Tensor], Tensor]:
        """Return the function of a downsampled image (1, 3, h, h) that gives its perceptual distance to an LR."""
        with torch.no_grad():
            features = self.perceptual(lr)
        return lambda downsampled: self.perceptual.distance(self.perceptual(downsampled), features)


def by_distance(
    bank: Bank,
    draw: Callable[[Tensor, int | None], Draw],
    z: Tensor,
    distance: Callable[[Tensor], Tensor],
    lr: Tensor,
    *,
    chunk: int,
) -> Tensor:
    """Return random z (N, width) in the order of the distance of their images' LR from an LR.

    Through the coarsest surrogate where the bank has any: many candidates then cost little.

    Args:
        bank: whose surrogates.
        draw: makes the images of some z, stopped at a resolution or by the full bank.
        z: the candidates.
        distance: of a downsampled image (1, 3, h, h) in [0, 1]; a scalar.
        lr: whose size the images are downsampled to.
        chunk: candidates that are made at a time.
    """
    surrogates = surrogates_for(bank, 0)
    distances: list[Tensor] = []
    with torch.no_grad():
        for part in torch.split(z, chunk):
            if surrogates is None:
                image = full_image(draw(part, None).synthesis)
            else:
                half = surrogates.coarse.resolution // 2
                synthesis, latents = draw(part, half)
                image = surrogates.coarse(synthesis.features[half], latents)
            downsampled = resize_tensor((image + 1) / 2, *lr.shape[2:])
            distances += [distance(one[None]) for one in downsampled]
    return z[torch.stack(distances).argsort()]


def smaller_once(run: Callable[[int], T], chunk: int) -> tuple[T, int]:
    """Run with a chunk size; when memory runs out, once more with half of it. Return the result and the chunk.

    Raises:
        MemoryError: or torch's error of memory, when half of it does not fit either, or there is no half.
    """
    try:
        return run(chunk), chunk
    except Exception as error:
        if chunk == 1 or not lacked_memory(error):
            raise
    return run(chunk // 2), chunk // 2
