"""SinGAN: a pyramid of small GANs trained on the LR image alone (Shaham et al., ICCV 2019, arXiv:1905.01164)."""

from __future__ import annotations

from dataclasses import dataclass

from bench import Batch, Category, Method, Needs, Restored, Size
from methods.shared.presets import Preset

SMALLEST = 14
"""Its coarsest scale then has 12 pixels: the critic, which looks at 11 x 11 at a time, still sees four places."""


class Singan(Method):
    """Train small GANs on the LR alone, and let the finest one sharpen it step by step."""

    name = "singan"
    group = "search"
    needs = Needs(memory_mb=1300)
    notes = (
        "The published super-resolution mode: the reconstruction weighs 100; the coarsest side is 18 and the "
        "ratio of the scales the largest up to 2^(1/3) that reaches it (7 scales at an LR of 64 pixels, 4 at "
        "32); then the finest generator runs, with its noise, after every enlargement by 2^(1/3), 12 times at "
        "16x, 18 at 64x. Changed: below 22 pixels the coarsest side is one step of 2^(1/3) under the LR's (13 at "
        "16), where the published 18 would be hardly smaller than the LR, or larger; the noise that rebuilds the "
        "image is drawn once, as the paper has it; images stay in float between the steps, clipped, are resized "
        "by the suite's kernel, and after every step are moved so that they downsample to the image before it; "
        "every generator step makes its image anew. preset=fast trains 40 iterations a scale at an LR of 64 "
        "pixels, 160 at 32 and 400 at 16 instead of 2,000, with 32 channels at every scale, biases that begin at "
        "0, and enlargements that are spread evenly; preset=paper resizes by one ratio, rounded up, and crops."
    )
    options: Options

    @dataclass(frozen=True)
    class Options:
        """The preset, and other iterations a scale than its own where `steps` is not 0."""

        preset: Preset = "fast"
        steps: int = 0

        def __post_init__(self) -> None:
            if self.steps < 0:
                raise ValueError(f"steps={self.steps} must not be negative")

    @property
    def title(self) -> str:
        """SinGAN and its preset."""
        return f"SinGAN ({self.options.preset})"

    def supports(self, lr_size: Size, hr_size: Size, factor: int, category: Category) -> str | None:
        """Refuse LR images that its critic is too large for."""
        if min(lr_size) < SMALLEST:
            return f"singan needs an LR of {SMALLEST} pixels, this one is {lr_size[1]}x{lr_size[0]}"
        return None

    def restore(self, batch: Batch) -> Restored:
        """Train on each image and enlarge it."""
        import torch

        from methods.singan import pyramid, scaling

        config = pyramid.configure(self.options.preset, self.options.steps)
        images, values = [], []
        for lr, seed in zip(torch.split(batch.lr, 1), batch.seeds, strict=True):
            random = torch.Generator().manual_seed(seed)
            with torch.enable_grad():
                fitted = pyramid.fit(2 * lr - 1, random, config)
            level, published = fitted.levels[-1], config.published
            images.append(scaling.enlarge(level, 2 * lr - 1, batch.factor, random, published=published))
            values.append(fitted.values())
        return Restored(torch.cat(images), values)
