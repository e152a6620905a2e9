"""The search of mGANprior: codes and channel weights, optimised by gradient."""

from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

from methods.shared.inversion.context import (
    SHORT_MEMORY,
    Corrections,
    SearchContext,
    by_distance,
    smaller_once,
    surrogates_for,
)
from methods.shared.inversion.search import Draw, Problem, Round, Search
from methods.shared.networks.perceptual_networks import Network
from methods.shared.presets import Preset

PERCEPTUAL_WEIGHT: dict[Network, float] = {"vgg16": 1e-3, "lite0": 5e-3}
"""vgg16's is the published one; lite0's gives its distance about the same share of the loss."""


LAYERS = (4, 8, 16)
"""The resolutions among which a search chooses by itself; every bank has those below its own."""


class SearchConfig(NamedTuple):
    """How long a search is, and how it goes."""

    codes: int
    layer: int
    """The resolution of the feature at which they are composed; 0: as `for_lr` has it."""
    candidates: int
    """Random codes of which the nearest ones are the start; 0: the start is random."""
    steps: int
    corrections: Corrections | None
    """After the steps, in a search through surrogates; None: every step is a pass of the full bank."""
    code_rate: float
    weight_rate: float
    betas: tuple[float, float] | None
    """Adam's; None: plain gradient descent."""

    def for_lr(self, side: int) -> "SearchConfig":
        """Return it with a layer: by default a quarter of the LR's side, which determines no finer one.

        At 16 pixels, whatever the LR is, photographs are torn from 32x on.
        """
        finest = max((layer for layer in LAYERS if 4 * layer <= side), default=LAYERS[0])
        return self._replace(layer=self.layer or finest)


PRESETS: dict[Preset, SearchConfig] = {
    "fast": SearchConfig(
        codes=5,
        layer=0,
        candidates=128,
        steps=45,
        corrections=Corrections(fit=5, fine=5, steps=10, rates=(1.0, 0.4)),
        code_rate=5e-2,
        weight_rate=5e-2,
        betas=SHORT_MEMORY,
    ),
    "paper": SearchConfig(
        codes=20,
        layer=16,
        candidates=0,
        steps=2000,
        corrections=None,
        code_rate=1.0,
        weight_rate=1.0,
        betas=None,
    ),
}


def configure(preset: Preset, codes: int = 0, layer: int = 0, steps: int = 0) -> SearchConfig:
    """Return a preset with other codes, another layer or other steps where they are not 0.

    Other steps change the corrections and the candidates in proportion.
    """
    config = PRESETS[preset]
    config = config._replace(codes=codes or config.codes, layer=layer or config.layer)
    share = min(1.0, steps / config.steps) if steps else 1.0
    if config.candidates:
        config = config._replace(candidates=max(round(config.candidates * share), config.codes))
    if not steps:
        return config
    corrections = config.corrections and config.corrections.scaled(steps, config.steps)
    return config._replace(steps=steps, corrections=corrections)


class Composition:
    """N codes composed at a layer of a bank with a weight a channel, and one more code for what lies above.

    Args:
        context: the bank.
        config: how many codes, and where they are composed.
        start: the codes, and the one for what lies above, (codes + 1, width).
        chunk: codes whose features are kept for the backward pass at a time; all, or fewer that are made again.
    """

    def __init__(self, context: SearchContext, config: SearchConfig, start: Tensor, chunk: int) -> None:
        self.context, self.layer, self.chunk = context, config.layer, chunk
        device = context.bank.mean_latent.device
        self.z = start.clone().requires_grad_()
        channels = context.bank.channels[config.layer]
        self.weights = torch.full((config.codes, channels), 1 / config.codes, device=device).requires_grad_()

    def feature(self) -> Tensor:
        """Return the weighted sum of the codes' features, (1, C, r, r)."""
        latents = self.context.bank.map(self.z[:-1])
        if self.chunk >= len(latents):
            return self._composed(latents, self.weights)
        chunks = zip(torch.split(latents, self.chunk), torch.split(self.weights, self.chunk), strict=True)
        parts: list[Any] = [checkpoint(self._composed, *chunk, use_reentrant=False) for chunk in chunks]
        return torch.cat(parts).sum(0, keepdim=True)

    def draw(self, stop_at: int | None) -> Draw:
        """Resume the bank from the composed feature."""
        above = self.context.bank.map(self.z[-1:])
        return self.context.synthesise(above, start=(self.layer, self.feature()), stop_at=stop_at)

    def _composed(self, latents: Tensor, weights: Tensor) -> Tensor:
        """Sum the features of latents (N, width) with a weight a code and channel (N, C): (1, C, r, r)."""
        features = self.context.synthesise(latents, stop_at=self.layer).synthesis.features[self.layer]
        return torch.einsum("nchw,nc->chw", features, weights)[None]


def objective(downsampled: Tensor, lr: Tensor, weighted_distance: Tensor) -> Tensor:
    """Return the loss of a downsampled image.

    Args:
        downsampled: (1, 3, h, h) in [0, 1].
        lr: what it should be.
        weighted_distance: their weighted perceptual distance, a scalar; pixels in [-1, 1] have the weight 1.
    """
    return F.mse_loss(2 * downsampled, 2 * lr) + weighted_distance


def run(context: SearchContext, lr: Tensor, seed: int, config: SearchConfig) -> tuple[Tensor, dict[str, float]]:
    """Return the best image of a search (1, 3, R, R), and the values to record of it."""
    config = config.for_lr(lr.shape[-1])
    (image, values), chunk = smaller_once(lambda chunk: _run(context, lr, seed, config, chunk), config.codes)
    return image, values | {"smaller_chunk": float(chunk < config.codes)}


def _run(
    context: SearchContext, lr: Tensor, seed: int, config: SearchConfig, chunk: int
) -> tuple[Tensor, dict[str, float]]:
    weight, distance = PERCEPTUAL_WEIGHT[context.network], context.perceptual_distance_to(lr)

    def loss(downsampled: Tensor, _latents: Tensor | None = None) -> Tensor:
        return objective(downsampled, lr, weight * distance(downsampled))

    count = max(config.candidates, config.codes + 1)
    z = torch.randn(count, context.bank.latents.width, generator=torch.Generator().manual_seed(seed))
    z = z.to(context.bank.mean_latent.device)
    if config.candidates:
        z = by_distance(context.bank, context.draw, z, loss, lr, chunk=chunk)
        z = torch.cat([z[: config.codes], z[:1]])
    point = Composition(context, config, z[: config.codes + 1], chunk)
    search = Search(Problem(lr, point.draw, loss))
    _optimise(search, point, config)
    search.evaluate()
    return search.best.result()


def _optimise(search: Search, point: Composition, config: SearchConfig) -> None:
    groups = [{"params": [point.z], "lr": config.code_rate}, {"params": [point.weights], "lr": config.weight_rate}]
    optimiser = torch.optim.Adam(groups, betas=config.betas) if config.betas else torch.optim.SGD(groups)
    rates, side = [1.0] * config.steps, search.problem.lr.shape[-1]
    surrogates = surrogates_for(point.context.bank, side, config.layer) if config.corrections else None
    if config.corrections is None or surrogates is None:
        search.optimise(optimiser, rates)
    else:
        rounds = [Round(surrogates.coarse, rates), *config.corrections.rounds(surrogates)]
        search.optimise_corrected(optimiser, rounds)
