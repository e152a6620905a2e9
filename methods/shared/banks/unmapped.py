"""What the banks without a mapping share: their only latent is z itself, and they have no noise inputs."""

from collections.abc import Sequence

from torch import Tensor

from bench import Bank, Size
from bench.base import seeds


class UnmappedBank(Bank):
    """A bank whose latents are z."""

    def map(self, z: Tensor) -> Tensor:
        """Return z itself."""
        return z

    def sample(self, indices: Sequence[int], domain: seeds.Domain, truncation: float = 1.0) -> Tensor:
        """Draw z (N, width), one an index, shortened by `truncation`."""
        return (truncation * self.draw(indices, domain)).to(self.mean_latent)

    def noise_shapes(self) -> list[Size]:
        """Return nothing."""
        return []
