"""The worker that restores: loads one method, restores what it is sent, and measures what that costs."""

from __future__ import annotations

import random
import warnings
from collections.abc import Callable
from typing import TypeVar

import numpy as np
import torch

from bench.base import device as devices
from bench.base.counting import count_macs
from bench.base.device import Timed
from bench.base.method import Method
from bench.base.types import Batch
from bench.images.png import to_pixels, to_tensor
from bench.registry.methods import build
from bench.store.records import Status
from bench.workers import determinism
from bench.workers.jobs import Job, Outcome, Settings, Task
from bench.workers.result import check_result
from bench.workers.serve import change_folder, failure

COUNTED = "its operations were counted in the same pass"
UNDISTURBED, UNDISTURBED_SECONDS = 0.05, 0.02
"""The share of its time, and the seconds, that a pass may wait for a processor and still be timed.

Threads of one short pass that wake on the same core wait for each other so long, on an idle machine too.
"""
T = TypeVar("T")


class Worker:
    """One loaded method, restoring each image from the same start."""

    def __init__(self, text: str, settings: Settings) -> None:
        self.settings = settings
        self.device = torch.device(settings.device)
        determinism.enable(settings.threads)
        self.method = build(text)
        self.method.load(self.device)
        self.parameters = _parameters(self.method)
        self.defaults = determinism.Defaults()  # what loading left is what every image begins with
        count_macs(lambda: torch.ones(1, 1) @ torch.ones(1, 1))  # its first use loads what it needs

    def answer(self, job: Job | Task) -> Outcome:
        """Restore one image; whatever the method raises becomes an outcome."""
        self._reset(job.seed)
        try:
            read = job.read() if isinstance(job, Task) else job
            with warnings.catch_warnings(), np.errstate():
                return self._restore(read)
        except Exception as error:
            return failure(error)

    def _reset(self, seed: int) -> None:
        """Undo what an earlier restore may have left behind in the process."""
        change_folder(self.settings.folder)
        self.defaults.restore()
        determinism.enable(self.settings.threads)
        torch.manual_seed(seed)
        np.random.seed(seed % 2**32)
        random.seed(seed)

    def _restore(self, job: Job) -> Outcome:
        lr = to_tensor(job.lr, self.device)
        extras = {"hr": to_tensor(job.hr, self.device)} if job.hr is not None else {}
        references = tuple(to_tensor(image, self.device) for image in job.references)
        batch = Batch(lr, job.factor, (job.image,), (job.seed,), job.category, extras, (references,))
        (restored, took), macs = self._measured(lambda: self.method.restore(batch), is_counted=job.is_counted)
        check_result(restored, batch)
        costs = self._costs(took, macs) if self.method.has_costs else {}
        values = restored.values[0] if restored.values else {}
        recorded = {name: float(value) for name, value in values.items()}
        doubt = COUNTED if job.is_counted else _disturbance(took)
        return Outcome(Status.DONE, None, to_pixels(restored.sr[0]), costs, recorded, doubt)

    def _costs(self, took: Timed, macs: float | None) -> dict[str, float]:
        costs = {"seconds": took.seconds, **devices.memory(self.device), "parameters_m": self.parameters / 1e6}
        if macs:  # none is not said: those that numpy or another program does are not counted
            costs["gmacs"] = macs / 1e9
        return costs

    def _measured(self, call: Callable[[], T], *, is_counted: bool) -> tuple[tuple[T, Timed], float | None]:
        def timed() -> tuple[T, Timed]:
            return devices.timed(call, self.device, self.settings.threads)

        return count_macs(timed) if is_counted else (timed(), None)


def _disturbance(took: Timed) -> str | None:
    if took.waited <= UNDISTURBED or took.waited * took.seconds <= UNDISTURBED_SECONDS:
        return None
    return f"disturbed: it waited {took.waited:.0%} of its time for a processor"


def _parameters(method: Method) -> int:
    modules = [value for value in vars(method).values() if isinstance(value, torch.nn.Module)]
    return sum(parameter.numel() for parameter in torch.nn.ModuleList(modules).parameters())
