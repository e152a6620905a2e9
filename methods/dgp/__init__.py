"""Deep generative prior: the generator itself is tuned to the image (Pan et al., ECCV 2020, arXiv:2003.13659)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench import Batch, Needs, Restored
from methods.shared import banks
from methods.shared.inversion.method import SearchMethod
from methods.shared.networks.perceptual_networks import Network
from methods.shared.presets import Preset

if TYPE_CHECKING:
    import torch
    from torch import Tensor


class Dgp(SearchMethod):
    """Tune a generator to the LR, from its coarse parameters to its fine ones."""

    name = "dgp"
    group = "search"
    title_prefix = "DGP"
    needs = Needs(memory_mb=1500)
    notes = (
        "The published relaxed reconstruction: from the nearest of many random images, the latent and more and "
        "more of the generator, coarse to fine, are tuned together. Changed: the published factor is 4, here any; "
        "both LR images come from the suite's operator and are compared as they are, not enlarged first; a bank "
        "without a discriminator is tuned with the features of a named perceptual network. "
        "preset=fast first searches the latent alone, weighs pixels 10 and features 0.02, takes rates in "
        "proportion to each tensor's size and other momenta, tunes through surrogates, ever finer ones, that "
        "the full bank corrects, and leaves the layers above them as they are; preset=paper runs five stages "
        "of 200 steps with the full bank, whose weights are those of the released files with their "
        "normalisation folded in, and starts a new Adam at every stage, and feeds perceptual=vgg16 "
        "as published. The best image is returned, where the authors return the last. Where both were run, "
        "paper came much nearer in identity: do not call fast DGP."
    )
    options: Options

    @dataclass(frozen=True)
    class Options:
        """The preset, the bank, and the network whose features stand in for a discriminator's."""

        preset: Preset = "fast"
        bank: str = "mobilestylegan"
        perceptual: Network = "lite0"
        steps: int = 0
        """In all stages together; 0: as the preset has it."""
        label: int = -1
        """The number of the class, for a bank that has classes."""

        def __post_init__(self) -> None:
            if self.steps < 0:
                raise ValueError(f"steps={self.steps} must not be negative")

    @property
    def perceptual_network(self) -> Network | None:
        """The network of the loss, None where the bank's discriminator is."""
        return None if banks.metadata(self.options.bank).discriminator else self.options.perceptual

    def load(self, device: torch.device) -> None:
        """Read the bank and, where it has no discriminator, the perceptual network.

        Raises:
            AssetError: when a file cannot be had.
        """
        from bench.networks.imagenet import load_convolutions
        from methods.dgp.features import DiscriminatorFeatures, RawVgg16
        from methods.shared.networks import perceptual_networks

        super().load(device)
        preset, network = self.options.preset, self.options.perceptual
        if self._bank.discriminator is not None:
            self._perceptual = DiscriminatorFeatures(self._bank.discriminator, self._bank.resolution)
        elif (preset, network) == ("paper", "vgg16"):
            self._perceptual = RawVgg16(load_convolutions("vgg16"), 21, squared=True).to(device)
        else:
            self._perceptual = perceptual_networks.load(network, 21, squared=True, device=device)

    def restore(self, batch: Batch) -> Restored:
        """Tune the bank to each image alone; the bank is then exactly as it was.

        Raises:
            MethodError: when the bank makes images of another size, or no finite loss was seen.
        """
        from methods.dgp import tuning

        config, context = tuning.configure(self.options.preset, self.options.steps), self.context()

        def restore_one(lr: Tensor, seed: int) -> tuple[Tensor, dict[str, float]]:
            image, values = tuning.run(context, lr, seed, config)
            return image, values | {"by_discriminator": float(self._bank.discriminator is not None)}

        return self.restore_each(batch, restore_one)
