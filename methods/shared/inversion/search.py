"""The search: gradient steps with the full bank or through a surrogate, corrections, and the best image."""

from collections.abc import Callable, Iterable
from typing import NamedTuple

import torch
from torch import Tensor

from bench import MethodError, Synthesis
from bench.base.counting import Steps
from bench.images.degradation import resize_tensor
from methods.shared.banks import full_image
from methods.shared.banks.surrogate import Surrogate

DIVERGED = 100.0
"""A loss this many times the first one, or none that is finite, ends a search."""


class Draw(NamedTuple):
    """What the parameters of a search make."""

    synthesis: Synthesis
    latents: Tensor
    """Those that the finest layers see, for a surrogate: (1, width) or (1, slots, width)."""


class Problem(NamedTuple):
    """One image to restore by a search."""

    lr: Tensor
    """(1, 3, h, h) in [0, 1]."""
    draw: Callable[[int | None], Draw]
    """Makes the present point's image, stopped at a resolution or, at None, by the full bank."""
    objective: Callable[[Tensor, Tensor], Tensor]
    """Of a downsampled image (1, 3, h, h) and the latents of its draw; a scalar."""
    reduces_lr: bool = False
    """Whether a surrogate's image is compared at half its resolution where the LR is larger than that."""
    is_solved: Callable[[Tensor], bool] = lambda _downsampled: False
    """Whether corrections may end at the full bank's downsampled image."""


class Evaluation(NamedTuple):
    """What a point of the search gives."""

    downsampled: Tensor
    """Its LR, (1, 3, h, h) in about [0, 1], corrected where it is a surrogate's."""
    loss: Tensor


class Round(NamedTuple):
    """A correction by the full bank and the steps after it."""

    surrogate: Surrogate
    rates: list[float]
    """One a step; see `Search.optimise`."""


class BestSoFar:
    """The best image that the full bank made in a search, its loss, and how far the search is."""

    def __init__(self, lr: Tensor) -> None:
        self.lr = lr
        self.steps, self.diverged = 0, False
        self.image: Tensor | None = None
        """(1, 3, R, R) in [0, 1]."""
        self.first = self.last = self.least = float("inf")

    def keep(self, image: Tensor, loss: float) -> None:
        """Remember an image when none was better."""
        self.last = loss
        if self.first == float("inf"):
            self.first = loss
        if loss < self.least:
            self.image, self.least = image.detach().clamp(0, 1), loss

    def diverges(self, loss: float) -> bool:
        """Return, and remember, whether a search of this loss should end."""
        self.diverged = not loss <= DIVERGED * max(self.first, 1e-3)  # true of NaN as well
        return self.diverged

    def result(self) -> tuple[Tensor, dict[str, float]]:
        """Return the best image (1, 3, R, R), and the values to record of the search.

        Raises:
            MethodError: when no image had a finite loss.
        """
        if self.image is None:
            raise MethodError("the search saw no image of a finite loss", remedy="try another seed")
        downsampled = resize_tensor(self.image, *self.lr.shape[2:])
        return self.image, {
            "steps": float(self.steps),
            "objective_first": self.first,
            "objective": self.least,
            "objective_last": self.last,
            "lr_mse": float((downsampled - self.lr).square().mean()),
            "diverged": float(self.diverged),
        }


class Search:
    """Gradient steps of an optimiser over what a problem's `draw` depends on."""

    def __init__(self, problem: Problem) -> None:
        self.problem, self.best = problem, BestSoFar(problem.lr)
        self._correction: Tensor | None = None

    def full_pass(self) -> Evaluation:
        """Evaluate the point with the full bank.

        Raises:
            MethodError: when the bank makes no image.
        """
        draw = self.problem.draw(None)
        image = (full_image(draw.synthesis) + 1) / 2
        downsampled = resize_tensor(image, *self.problem.lr.shape[2:])
        loss = self.problem.objective(downsampled, draw.latents)
        self.best.keep(image, float(loss.detach()))
        return Evaluation(downsampled, loss)

    def surrogate_pass(self, surrogate: Surrogate) -> Evaluation:
        """Evaluate the point through a surrogate, with the last correction added."""
        downsampled, latents = self._surrogate_lr(surrogate)
        if self._correction is not None:
            downsampled = downsampled + self._correction
        return Evaluation(downsampled, self.problem.objective(downsampled, latents))

    @torch.no_grad()
    def evaluate(self) -> Evaluation:
        """Evaluate the point with the full bank, for no gradient: it may be the best."""
        return self.full_pass()

    @torch.no_grad()
    def correct(self, surrogate: Surrogate) -> Evaluation:
        """Measure by how much a surrogate's LR is wrong at this point; return the full bank's evaluation."""
        evaluation = self.full_pass()
        self._correction = evaluation.downsampled - self._surrogate_lr(surrogate)[0]
        return evaluation

    def optimise(
        self, optimiser: torch.optim.Optimizer, rates: Iterable[float], surrogate: Surrogate | None = None
    ) -> None:
        """Go a step at each rate, a factor of the optimiser's own; a search that diverges stops for good."""
        full = [group["lr"] for group in optimiser.param_groups]
        steps = Steps()
        for rate in rates:
            if self.best.diverged:
                break
            for group, own in zip(optimiser.param_groups, full, strict=True):
                group["lr"] = own * rate
            with steps.step():
                self._step(optimiser, surrogate)
        for group, own in zip(optimiser.param_groups, full, strict=True):
            group["lr"] = own

    def optimise_corrected(self, optimiser: torch.optim.Optimizer, rounds: Iterable[Round]) -> bool:
        """Correct a surrogate and go some steps through it, round by round.

        Returns:
            False when a correction ended it: the problem is solved, or the search diverged.
        """
        for surrogate, rates in rounds:
            evaluation = self.correct(surrogate)
            if self.best.diverged or self.problem.is_solved(evaluation.downsampled):
                return False
            self.optimise(optimiser, rates, surrogate)
        return True

    def _step(self, optimiser: torch.optim.Optimizer, surrogate: Surrogate | None) -> None:
        loss = (self.full_pass() if surrogate is None else self.surrogate_pass(surrogate)).loss
        if self.best.diverges(float(loss.detach())):
            return
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        self.best.steps += 1

    def _surrogate_lr(self, surrogate: Surrogate) -> tuple[Tensor, Tensor]:
        """Return a surrogate's image downsampled, and the latents of its draw."""
        half = surrogate.resolution // 2
        draw = self.problem.draw(half)
        image = (surrogate(draw.synthesis.features[half], draw.latents) + 1) / 2
        height, width = self.problem.lr.shape[2:]
        if self.problem.reduces_lr:
            height, width = min(height, half), min(width, half)
        return resize_tensor(image, height, width), draw.latents
