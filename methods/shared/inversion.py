"""What the methods that search a bank share: what they refuse, how they look, walk, and keep the best they saw.

A search looks either with the whole bank or through a surrogate of it (`methods.shared.banks.surrogate`), which costs a few
per cent. A surrogate is approximate, so the whole bank says now and then by how much the surrogate's LR is wrong
there; with that difference added the walk goes on. Only what the whole bank showed can be the result.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeVar

from bench import MethodError
from bench.base.errors import lacked_memory

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from bench import Bank, Batch, Category, Restored, Size, Synthesis
    from methods.shared.banks.surrogate import Surrogate

T = TypeVar("T")

One = Callable[["Tensor", int], "tuple[Tensor, Mapping[str, float]]"]
"""Restores one LR (1, 3, h, h) in [0, 1] with a seed."""

Preset = Literal["fast", "paper"]
"""`fast`: an image a minute on a CPU. `paper`: the published steps, every one with the whole bank."""

SHORT_MEMORY = (0.7, 0.9)
"""Adam's betas in the fast presets of dgp and mganprior: such a search, whose target moves at every correction,
ends 2 to 3 dB nearer to the LR with these than with the usual ones (16x, two photographs)."""

DIVERGED = 100.0
"""A loss this many times the first one, or none that is finite, ends a search."""


def incompatibility_reason(
    method: str, bank: str, lr_size: Size, hr_size: Size, category: Category, *, label: int = -1
) -> str | None:
    """Return why a method cannot restore with a bank, as far as that is known before it is read."""
    from methods.shared import banks

    about = banks.about(bank)
    if lr_size[0] != lr_size[1]:
        return f"{method} restores square images, this LR is {lr_size[1]}x{lr_size[0]}"
    if about.resolution not in (None, hr_size[0]):
        return f"the bank {bank} makes {about.resolution} pixels, not {hr_size[0]}"
    if None not in (category.kind, about.kind) and category.kind != about.kind:
        return f"the bank {bank} makes {about.kind}, this category shows {category.kind}"
    return banks.class_incompatibility(bank, label)


def restore_each(batch: Batch, bank: Bank, one: One) -> Restored:
    """Restore each image of a batch alone.

    Raises:
        MethodError: when the bank makes images of another size.
    """
    import torch

    from bench import Restored

    side = batch.lr.shape[-1] * batch.factor
    if side != bank.resolution:
        raise MethodError(f"the bank {bank.name} makes images of another size", got=bank.resolution, expected=side)
    with torch.enable_grad():
        found = [one(lr, seed) for lr, seed in zip(torch.split(batch.lr, 1), batch.seeds, strict=True)]
    return Restored(torch.cat([sr for sr, _ in found]), [values for _, values in found])


def class_label(number: int) -> Tensor | None:
    """Return the label (1,) of a class by its number, nothing for the -1 of a bank without classes."""
    import torch

    return None if number < 0 else torch.tensor([number])


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
    """Makes what the parameters mean now, up to a resolution or, at None, whole."""
    loss: Callable[[Tensor], Tensor]
    """Of a made LR (1, 3, h, h); a scalar."""


class Seen:
    """What a search saw: the best image, the first and the least loss that the whole bank showed."""

    def __init__(self, lr: Tensor) -> None:
        self.lr = lr
        self.steps, self.diverged = 0, False
        self.best: Tensor | None = None
        """(1, 3, R, R) in [0, 1]."""
        self.first = self.least = float("inf")

    def keep(self, image: Tensor, loss: float) -> None:
        """Remember an image when none was better."""
        if self.first == float("inf"):
            self.first = loss
        if loss < self.least:
            self.best, self.least = image.detach().clamp(0, 1), loss

    def diverges(self, loss: float) -> bool:
        """Say, and remember, whether a search that sees this loss should end."""
        self.diverged = not loss <= DIVERGED * max(self.first, 1e-3)  # true of NaN as well
        return self.diverged

    def found(self) -> tuple[Tensor, dict[str, float]]:
        """Return the best image (1, 3, R, R), and what is worth recording of the search.

        Raises:
            MethodError: when no image of a finite loss was seen.
        """
        if self.best is None:
            raise MethodError("the search saw no image of a finite loss", remedy="try another seed")
        return self.best, {
            "steps": float(self.steps),
            "objective_first": self.first,
            "objective": self.least,
            "lr_mse": float((shrunk(self.best, self.lr) - self.lr).square().mean()),
            "diverged": float(self.diverged),
        }


def shrunk(image: Tensor, lr: Tensor) -> Tensor:
    """Return an image (N, 3, H, W) at the size of an LR, by the protocol."""
    from bench.images.degradation import resize_tensor

    return resize_tensor(image, *lr.shape[2:])


class Search:
    """A walk and what it saw.

    Before it walks through a surrogate, and whenever that is another one, the whole bank must correct it.
    """

    def __init__(self, problem: Problem) -> None:
        self.problem, self.seen = problem, Seen(problem.lr)
        self._correction: Tensor | None = None

    def whole(self) -> tuple[Tensor, Tensor]:
        """Look with the whole bank; return the made LR and the loss.

        Raises:
            MethodError: when the bank makes no image.
        """
        image = self.problem.draw(None).synthesis.image
        if image is None:
            raise MethodError("a whole pass of the bank made no image")
        image = (image + 1) / 2
        made = shrunk(image, self.problem.lr)
        loss = self.problem.loss(made)
        self.seen.keep(image, float(loss.detach()))
        return made, loss

    def correct(self, head: Surrogate) -> None:
        """Let the whole bank say how wrong a surrogate's LR is at this point."""
        import torch

        with torch.no_grad():
            made, _ = self.whole()
            self._correction = made - self._through(head)

    def walk(
        self,
        optimiser: torch.optim.Optimizer,
        steps: int,
        head: Surrogate | None,
        rates: tuple[float, float] = (1.0, 1.0),
    ) -> None:
        """Go some steps down, through a surrogate or, without one, with the whole bank.

        The optimiser's rates are multiplied by a share that goes in a straight line from the first to the second
        of `rates`, and are given back. A search that diverges stops for good.
        """
        full = [group["lr"] for group in optimiser.param_groups]
        for step in range(steps):
            if self.seen.diverged:
                break
            share = rates[0] + (rates[1] - rates[0]) * step / steps
            for group, rate in zip(optimiser.param_groups, full, strict=True):
                group["lr"] = rate * share
            self._step(optimiser, head)
        for group, rate in zip(optimiser.param_groups, full, strict=True):
            group["lr"] = rate

    def walk_and_correct(
        self,
        optimiser: torch.optim.Optimizer,
        rounds: int,
        steps: int,
        head: Surrogate,
        rates: tuple[float, float] = (0.3, 0.0),
    ) -> None:
        """Go on through a surrogate: by turns let the whole bank correct it and go a few steps.

        The optimiser's rates are multiplied by a share that goes down from the first to the second of `rates`.
        """
        for turn in range(rounds):
            self.correct(head)
            share = rates[0] + (rates[1] - rates[0]) * turn / rounds
            self.walk(optimiser, steps, head, (share, share))

    def _step(self, optimiser: torch.optim.Optimizer, head: Surrogate | None) -> None:
        if head is None:
            loss = self.whole()[1]
        else:
            made = self._through(head)
            loss = self.problem.loss(made if self._correction is None else made + self._correction)
        if self.seen.diverges(float(loss.detach())):
            return
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        self.seen.steps += 1

    def _through(self, head: Surrogate) -> Tensor:
        draw = self.problem.draw(head.resolution // 2)
        image = (head(draw.synthesis.features[head.resolution // 2], draw.latents) + 1) / 2
        return shrunk(image, self.problem.lr)


class Surrogates(NamedTuple):
    """Read-outs of a bank, from cheap to true."""

    coarse: Surrogate
    """The coarsest: enough while a search is far away."""
    fit: Surrogate
    """The coarsest of at least twice the LR's side."""
    fine: Surrogate
    """The next finer one, where there is one: it follows the bank where `fit` no longer does."""


def surrogates_for(bank: Bank, side: int, layer: int = 0) -> Surrogates | None:
    """Return the surrogates for an LR's side, or nothing when the bank has none so fine.

    Args:
        bank: whose surrogates.
        side: of the LR.
        layer: the resolution that the bank is resumed from: a surrogate sees no feature below it.
    """
    from methods.shared import banks
    from methods.shared.banks import surrogate

    largest = banks.about(bank.name).surrogate
    known = [res for res in surrogate.RESOLUTIONS if 2 * layer <= res <= largest]
    fit = [res for res in known if res >= 2 * side]
    if not fit:
        return None
    return Surrogates(*(surrogate.load(bank, res) for res in (known[0], fit[0], fit[:2][-1])))


def by_distance(
    bank: Bank, z: Tensor, distance: Callable[[Tensor], Tensor], lr: Tensor, *, chunk: int, label: Any = None
) -> Tensor:
    """Return random z (N, width) in the order of how far the LR of what they make is from the wanted one.

    Through the coarsest surrogate where the bank has any: many candidates then cost little.

    Args:
        bank: what makes the images.
        z: the candidates.
        distance: of a made LR (1, 3, h, h) in [0, 1] to the wanted one; a scalar.
        lr: the wanted LR.
        chunk: candidates that are made at a time.
        label: of a bank with classes.
    """
    import torch

    heads = surrogates_for(bank, 0)
    head = heads and heads.coarse
    found: list[Tensor] = []
    with torch.no_grad():
        for some in torch.split(z, chunk):
            latents = bank.map(some)
            labels = None if label is None else label.expand(len(some))
            made = bank.synthesise(latents, stop_at=None if head is None else head.resolution // 2, label=labels)
            image = made.image if head is None else head(made.features[head.resolution // 2], latents)
            if image is None:
                raise MethodError("a whole pass of the bank made no image")
            shown = shrunk((image + 1) / 2, lr)
            found += [distance(one[None]) for one in shown]
    return z[torch.stack(found).argsort()]


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
