"""The training loop. It knows stages, losses and weights, and nothing of what is trained."""

import logging
import time
from collections.abc import Sequence
from math import cos, pi
from pathlib import Path

import torch
from torch import Tensor, nn

from bench import MethodError
from bench.base.device import Precision, training_precision, usable_device
from methods.shared.training import sample_grid, state
from methods.shared.training.losses import (
    discriminator_loss,
    generator_loss,
    relativistic_discriminator_loss,
    relativistic_generator_loss,
)
from methods.shared.training.progress import reporting
from methods.shared.training.recipe import Recipe, Stage, Terms
from methods.shared.training.state import State
from methods.shared.training.step import Step

log = logging.getLogger(__name__)

SAVE_SECONDS = 40
"""A step that ends later than this after a save is saved, so a kill costs less than a minute, save included."""
VALIDATE_SECONDS = 600
WARM_UP = 30
CLIP = 1.0
AVERAGE = 0.999
"""What the running average keeps from step to step, at most: that of a short stage spans a tenth of it."""
CURVE_STEPS = 10


class Loop:
    """One training in one folder, from its last state to its last stage.

    Args:
        recipe: what is trained.
        out: the folder of state, sample grids, curves and exported weights.
        cpu: keep to the CPU even where there is an accelerator.
        precision: what it computes in; by default what the device is fastest in.
        origin: what the training begins with, in words; with the recipe's identity it tells trainings apart.

    Raises:
        StoreError: when the folder's state cannot be read, or is another training's.
    """

    def __init__(
        self,
        recipe: Recipe,
        out: Path,
        *,
        cpu: bool = False,
        precision: Precision | None = None,
        origin: Sequence[str] = (),
    ) -> None:
        from accelerate import Accelerator, DistributedDataParallelKwargs

        device = usable_device("cpu" if cpu else "auto")
        self.identity = "; ".join([recipe.identity, *origin])
        self.state = state.load(out / "state.pt", self.identity)
        self._kept = None if self.state is None else self.state.total
        # Stages leave parts of a network without gradient, the latents' stage most of it.
        unused = DistributedDataParallelKwargs(find_unused_parameters=True)
        self.accelerator = Accelerator(
            cpu=cpu, mixed_precision=precision or training_precision(device), kwargs_handlers=[unused]
        )
        self.recipe, self.out = recipe, out
        recipe.place(self.accelerator.device)
        self.network = self.accelerator.prepare(recipe.network)
        self.discriminator = self.accelerator.prepare(recipe.discriminator)
        self._saved = self._validated = time.monotonic()

    def run(self) -> dict[str, Tensor]:
        """Train to the end of the last stage.

        Returns:
            The averaged weights, by the names of the network's parameters.

        Raises:
            MethodError: when a loss or the gradient is not finite; the last good state stays.
            StoreError: when the state cannot be written.
        """
        stages = self.recipe.stages
        now = self._begin() if self.state is None else self._go_on(self.state)
        while now.stage < len(stages):
            self._stage(stages[now.stage], now)
            now.stage, now.step, now.optimisers = now.stage + 1, 0, []
            self._save(now)
        return now.average

    def _begin(self) -> State:
        self.recipe.begin()
        return State(self.identity, average=_weights(self.recipe.network))

    def _go_on(self, now: State) -> State:
        _put(self.recipe.network, now.network)
        if self.recipe.discriminator is not None and now.discriminator:
            _put(self.recipe.discriminator, now.discriminator)
        device = self.accelerator.device
        now.average = {name: value.to(device) for name, value in now.average.items()}
        return now

    def _stage(self, stage: Stage, now: State) -> None:
        optimisers = self._optimisers(stage)
        for optimiser, kept in zip(optimisers, now.optimisers, strict=False):
            optimiser.load_state_dict(kept)
        main = self.accelerator.is_main_process
        with reporting(stage, self.accelerator.num_processes, quiet=not main) as reporter:
            while now.step < stage.steps:
                started = time.monotonic()
                values = self._step(stage, optimisers, now)
                now.seconds += time.monotonic() - started
                if now.total % CURVE_STEPS == 0 or now.step == stage.steps:
                    now.note(stage.name, values)
                if main:
                    reporter.advance(now.step, values, self.recipe.stopwatch)
                self._keep(stage, optimisers, now)

    def _optimisers(self, stage: Stage) -> list[torch.optim.Optimizer]:
        modules = [self.network, self.discriminator] if stage.adversarial else [self.network]
        trained = ([value for value in module.parameters() if value.requires_grad] for module in modules)
        adams = (torch.optim.Adam(values, stage.rate, betas=(0.9, 0.99)) for values in trained)
        return [self.accelerator.prepare(adam) for adam in adams]

    def _step(self, stage: Stage, optimisers: list[torch.optim.Optimizer], now: State) -> dict[str, float]:
        for optimiser in optimisers:
            for group in optimiser.param_groups:
                group["lr"] = stage.rate * schedule(now.step, stage.steps)
        step = Step(now.total, now.images, self.accelerator.process_index, self.accelerator.num_processes)
        watch = self.recipe.stopwatch
        with watch("forward and losses"), self.accelerator.autocast():
            terms = self.recipe.terms(self.network, stage, step)
            losses = dict(terms.losses)
            against = stage.adversarial and self._everywhere(terms.fake is not None)
            if against:
                losses["adversarial"] = self.recipe.adversarial_weight * self._generator_loss(terms, stage)
        with watch("backward"):
            self._descend(losses, self.network, optimisers[0], now)
        if against:
            with watch("discriminator"):
                losses["discriminator"] = self._discriminate(terms, stage, optimisers[1], now)
        now.step, now.total, now.images = now.step + 1, now.total + 1, now.images + stage.batch * step.processes
        self._average(stage, now)
        return {name: float(value.detach()) for name, value in losses.items()}

    def _everywhere(self, here: bool) -> bool:
        """Say whether something is so in every process: a discriminator run in one alone waits for the others."""
        flags: Tensor = self.accelerator.gather(torch.tensor([here], device=self.accelerator.device))
        return bool(flags.all())

    def _generator_loss(self, terms: Terms, stage: Stage) -> Tensor:
        if stage.relativistic:
            real = self.discriminator(terms.real).detach()
            return relativistic_generator_loss(real, self.discriminator(terms.fake))
        return generator_loss(self.discriminator(terms.fake))

    def _discriminate(self, terms: Terms, stage: Stage, optimiser: torch.optim.Optimizer, now: State) -> Tensor:
        with self.accelerator.autocast():
            fake = self.discriminator(None if terms.fake is None else terms.fake.detach())
            compare = relativistic_discriminator_loss if stage.relativistic else discriminator_loss
            loss = compare(self.discriminator(terms.real), fake)
        self._descend({"discriminator": loss}, self.discriminator, optimiser, now)
        return loss

    def _descend(
        self, losses: dict[str, Tensor], module: nn.Module, optimiser: torch.optim.Optimizer, now: State
    ) -> None:
        for name, value in losses.items():
            if not torch.isfinite(value):
                raise self._stopped(f"the loss '{name}'", value, now)
        optimiser.zero_grad(set_to_none=True)
        self.accelerator.backward(torch.stack([value.float() for value in losses.values()]).sum())
        norm = self.accelerator.clip_grad_norm_(module.parameters(), CLIP)
        if norm is not None and not torch.isfinite(norm):
            raise self._stopped(f"the gradient of {' + '.join(losses)}", norm, now)
        optimiser.step()

    def _stopped(self, what: str, value: Tensor, now: State) -> MethodError:
        return MethodError(
            f"training stopped at step {now.total}: {what} is not finite",
            got=float(value.detach()),
            remedy=self._remedy(now),
        )

    def _remedy(self, now: State) -> str:
        lower = "a lower --rate, such as 0.5"
        if self._kept is None:
            return f"no state is kept yet; give the same command with {lower}"
        kept = f"the last good state, of step {self._kept}, is kept"
        if self._kept < now.total:
            return f"{kept}; give the same command with {lower}, to go on from it"
        weights = self.out / "weights.safetensors"
        start = f", --start {weights}" if weights.exists() else ""
        return f"{kept}, but the same step would follow it; name another --out{start} and {lower}"

    @torch.no_grad()
    def _average(self, stage: Stage, now: State) -> None:
        decay = min(AVERAGE, 1 - 10 / max(stage.steps, 11), (1 + now.total) / (20 + now.total))
        for name, value in _trained(self.recipe.network).items():
            now.average[name].lerp_(value, 1 - decay)

    def _keep(self, stage: Stage, optimisers: list[torch.optim.Optimizer], now: State) -> None:
        last = now.step == stage.steps
        if last or time.monotonic() - self._saved > SAVE_SECONDS:
            now.optimisers = [optimiser.state_dict() for optimiser in optimisers]
            if stage.adversarial and self.recipe.discriminator is not None:
                now.discriminator = _weights(self.recipe.discriminator)
            self._save(now)
        if last or time.monotonic() - self._validated > VALIDATE_SECONDS:
            self.validate(stage, now)

    def _save(self, now: State) -> None:
        now.network = _weights(self.recipe.network)
        if self.accelerator.is_main_process:
            state.save(now, self.out / "state.pt")
        self._saved, self._kept = time.monotonic(), now.total

    @torch.no_grad()
    def validate(self, stage: Stage, now: State) -> None:
        """Write a grid of validation images, the curves, and the averaged weights."""
        self._validated = time.monotonic()
        if not self.accelerator.is_main_process:
            return
        present = _weights(self.recipe.network)
        _put(self.recipe.network, now.average)
        try:
            grid = self.recipe.validate(stage)
        finally:
            _put(self.recipe.network, present)
        log.info("step %d: %s", now.total, "  ".join(f"{name} {value:.4g}" for name, value in grid.scores.items()))
        now.note("validation", grid.scores)
        sample_grid.write_grid(grid.rows, self.out / f"samples-{now.total:07d}.png")
        sample_grid.write_curves(now.curve, self.out / "curves")
        history = {
            "steps": now.total,
            "images": now.images,
            "stage": stage.name,
            "seconds": round(now.seconds),
        }
        self.recipe.export(now.average, self.out / "weights.safetensors", history)


def schedule(step: int, steps: int) -> float:
    """Return the share of the learning rate: a short warm-up, then half a cosine down to 2 %."""
    return min(1.0, (step + 1) / WARM_UP) * (0.51 + 0.49 * cos(pi * step / max(steps, 1)))


def _trained(module: nn.Module) -> dict[str, Tensor]:
    return {name: value.detach() for name, value in module.named_parameters() if value.requires_grad}


def _weights(module: nn.Module) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in _trained(module).items()}


@torch.no_grad()
def _put(module: nn.Module, weights: dict[str, Tensor]) -> None:
    for name, value in _trained(module).items():
        value.copy_(weights[name])
