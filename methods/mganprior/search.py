"""The search of mGANprior: codes and channel weights, walked by gradient."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

from bench import Bank
from methods.shared.inversion import (
    SHORT_MEMORY,
    Draw,
    Preset,
    Problem,
    Search,
    by_distance,
    smaller_once,
    surrogates_for,
)
from methods.shared.networks.perceptual_networks import Network, Perceptual

PERCEPTUAL_WEIGHT: dict[Network, float] = {"vgg16": 1e-3, "lite0": 5e-3}
"""vgg16's is the published one; lite0's gives its distance about the same share of the loss."""


class Plan(NamedTuple):
    """How long a search is, and how it walks."""

    codes: int
    layer: int
    """The resolution of the feature at which they are composed."""
    candidates: int
    """Random codes of which the nearest ones are the start; 0: the start is random."""
    steps: int
    rounds: int
    """Corrections by the whole bank, in a search through surrogates; 0: every step looks with the whole bank."""
    fine_rounds: int
    """More of them, through a finer surrogate."""
    round_steps: int
    code_rate: float
    weight_rate: float
    betas: tuple[float, float] | None
    """Adam's; None: plain gradient descent."""


PLANS: dict[Preset, Plan] = {
    "fast": Plan(
        codes=5,
        layer=16,
        candidates=128,
        steps=45,
        rounds=5,
        fine_rounds=5,
        round_steps=10,
        code_rate=5e-2,
        weight_rate=5e-2,
        betas=SHORT_MEMORY,
    ),
    "paper": Plan(
        codes=30,
        layer=16,
        candidates=0,
        steps=2000,
        rounds=0,
        fine_rounds=0,
        round_steps=0,
        code_rate=1.0,
        weight_rate=1.0,
        betas=None,
    ),
}


def plan(preset: Preset, codes: int = 0, layer: int = 0, steps: int = 0) -> Plan:
    """Return a preset's plan with other codes, another layer or other steps where they are not 0.

    Other steps shorten the corrections in proportion.
    """
    chosen = PLANS[preset]
    share = steps / chosen.steps if steps else 1.0
    return chosen._replace(
        codes=codes or chosen.codes,
        layer=layer or chosen.layer,
        candidates=max(round(chosen.candidates * min(1.0, share)), codes or chosen.codes)
        if chosen.candidates
        else 0,
        steps=steps or chosen.steps,
        rounds=min(chosen.rounds, steps or chosen.rounds),
        fine_rounds=min(chosen.fine_rounds, steps or chosen.fine_rounds),
        round_steps=max(1, round(chosen.round_steps * share)) if chosen.rounds else 0,
    )


class Scene(NamedTuple):
    """What is the same for every image."""

    bank: Bank
    perceptual: Perceptual
    network: Network
    label: Any = None


class Composition:
    """N codes composed at a layer of a bank with a weight a channel, and one more code for what lies above.

    Args:
        scene: the bank.
        plan: how many codes, and where they are composed.
        start: the codes, and the one for what lies above, (codes + 1, width).
        chunk: codes whose features are kept for the backward pass at a time; all, or fewer that are made again.
    """

    def __init__(self, scene: Scene, plan: Plan, start: Tensor, chunk: int) -> None:
        self.scene, self.layer, self.chunk = scene, plan.layer, chunk
        device = scene.bank.mean_latent.device
        self.z = start.clone().requires_grad_()
        channels = scene.bank.channels[plan.layer]
        self.weights = torch.full((plan.codes, channels), 1 / plan.codes, device=device).requires_grad_()

    def feature(self) -> Tensor:
        """Return the weighted sum of the codes' features, (1, C, r, r)."""
        latents = self.scene.bank.map(self.z[:-1])
        if self.chunk >= len(latents):
            return composed(self._features(latents), self.weights)
        parts: list[Tensor] = []
        for some, weights in zip(
            torch.split(latents, self.chunk), torch.split(self.weights, self.chunk), strict=True
        ):
            part: Any = checkpoint(lambda w, a: composed(self._features(w), a), some, weights, use_reentrant=False)
            parts.append(part)
        return torch.cat(parts).sum(0, keepdim=True)

    def draw(self, stop_at: int | None) -> Draw:
        """Resume the bank from the composed feature."""
        above = self.scene.bank.map(self.z[-1:])
        start = (self.layer, self.feature())
        return Draw(self.scene.bank.synthesise(above, start=start, stop_at=stop_at, label=self.scene.label), above)

    def _features(self, latents: Tensor) -> Tensor:
        label = self.scene.label
        label = None if label is None else label.expand(len(latents))
        return self.scene.bank.synthesise(latents, stop_at=self.layer, label=label).features[self.layer]


def composed(features: Tensor, weights: Tensor) -> Tensor:
    """Sum features (N, C, r, r) with a weight a code and channel (N, C): (1, C, r, r)."""
    return torch.einsum("nchw,nc->chw", features, weights)[None]


def total(made: Tensor, lr: Tensor, perceptual: Perceptual, wanted: list[Tensor], weight: float) -> Tensor:
    """Return the loss of a made LR: mean squared error of images in [-1, 1], and the weighted feature distance.

    Args:
        made: (1, 3, h, h) in [0, 1].
        lr: what it should be.
        perceptual: the network.
        wanted: its features of `lr`.
        weight: of their distance.
    """
    return F.mse_loss(2 * made, 2 * lr) + weight * perceptual.distance(perceptual(made), wanted)


def run(scene: Scene, lr: Tensor, seed: int, plan: Plan) -> tuple[Tensor, dict[str, float]]:
    """Return the best image of a search (1, 3, R, R), and what is worth recording of it."""
    (image, values), chunk = smaller_once(lambda chunk: _run(scene, lr, seed, plan, chunk), plan.codes)
    return image, values | {"smaller_chunk": float(chunk < plan.codes)}


def _run(scene: Scene, lr: Tensor, seed: int, plan: Plan, chunk: int) -> tuple[Tensor, dict[str, float]]:
    with torch.no_grad():
        wanted = scene.perceptual(lr)
    weight = PERCEPTUAL_WEIGHT[scene.network]

    def loss(made: Tensor) -> Tensor:
        return total(made, lr, scene.perceptual, wanted, weight)

    count = max(plan.candidates, plan.codes + 1)
    z = torch.randn(count, scene.bank.latents.width, generator=torch.Generator().manual_seed(seed))
    z = z.to(scene.bank.mean_latent.device)
    if plan.candidates:
        z = by_distance(scene.bank, z, loss, lr, chunk=chunk, label=scene.label)
        z = torch.cat([z[: plan.codes], z[:1]])
    point = Composition(scene, plan, z[: plan.codes + 1], chunk)
    search = Search(Problem(lr, point.draw, loss))
    groups = [{"params": [point.z], "lr": plan.code_rate}, {"params": [point.weights], "lr": plan.weight_rate}]
    optimiser = torch.optim.Adam(groups, betas=plan.betas) if plan.betas else torch.optim.SGD(groups)
    heads = surrogates_for(scene.bank, lr.shape[-1], plan.layer) if plan.rounds else None
    if heads is None:
        search.walk(optimiser, plan.steps, None)
    else:
        search.correct(heads.coarse)
        search.walk(optimiser, plan.steps, heads.coarse)
        search.walk_and_correct(optimiser, plan.rounds, plan.round_steps, heads.fit, (1.0, 0.4))
        search.walk_and_correct(optimiser, plan.fine_rounds, plan.round_steps, heads.fine, (0.4, 0.0))
    with torch.no_grad():
        search.whole()
    return search.seen.found()
