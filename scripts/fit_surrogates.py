"""Fit the surrogates of `methods.shared.banks.surrogate` and the mean latent, which are shipped in `weights/`.

    python -m scripts.fit_surrogates

It takes 2,048 samples of the bank and about 20 minutes of one CPU core. The shipped surrogates come within 23.4,
26.2 and 28.8 dB (64, 128, 256) of held-out images of truncation 0.7, and 21.0, 23.6 and 26.2 at 1.0.
A sample is a quarter of an image: the bank is computed whole up to 128, and from there on a window only, with a
margin wider than what the layers and the antialiased kernel can see, so that the quarter is exact.
"""

import logging
import math
from collections import deque
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.optim.lr_scheduler import LambdaLR
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from bench.base.seeds import Domain, uniform
from bench.images.degradation import resize_tensor
from methods.shared.banks import full_image, mobilestylegan
from methods.shared.banks.mobilestylegan import MobileStyleGAN
from methods.shared.banks.surrogate import RESOLUTIONS, WEIGHTS, Surrogate

log = logging.getLogger(__name__)

MEAN_DRAWS = 4096
SAMPLES = 2048
KEPT = 128
"""How many of the latest samples a batch is drawn from."""
BATCH = 4
RATE, CLIP = 1e-3, 0.5
LEVEL, QUARTER, WINDOW = 128, 64, 80
"""Of the feature at 128, the side of what is compared and of what is computed for it."""

Surrogates = Mapping[int, Surrogate]


class Sample(NamedTuple):
    """A window of one image, by the resolution of the surrogate."""

    latents: Tensor
    features: dict[int, Tensor]
    images: dict[int, Tensor]
    corner: tuple[int, int]
    """The quarter: 0 or 1 down, 0 or 1 to the right."""


def main() -> None:
    """Write the mean latent and the surrogates, and log how good they are."""
    bank = mobilestylegan.load()
    bank.mean_latent.copy_(bank.sample(range(MEAN_DRAWS), Domain.FITTING).double().mean(0))
    save_file({"mean_latent": bank.mean_latent}, mobilestylegan.STATISTICS)
    fitting = Fitting(bank, SAMPLES)
    for index in range(2 * BATCH, SAMPLES):
        losses = fitting.step(index)
        if index % 64 == 0 or index == SAMPLES - 1:
            log.info("%d samples: %s", index, losses)
            _save(fitting.averaged())
    for truncation in (0.7, 1.0):
        scores = held_out(bank, fitting.averaged(), range(32), truncation)
        log.info("held out, truncation %.1f: %s", truncation, scores)


class Fitting:
    """The state of the fitting. Each sample is used about `BATCH` times."""

    def __init__(self, bank: MobileStyleGAN, count: int) -> None:
        torch.manual_seed(0)
        self.bank, self.rng = bank, np.random.default_rng(0)
        self.latest = deque((teach(bank, index) for index in range(2 * BATCH)), KEPT)
        self.scales = {res: _scale([one.features[res] for one in self.latest]) for res in RESOLUTIONS}
        surrogates = {str(res): Surrogate(res) for res in RESOLUTIONS}
        self.surrogates = nn.ModuleDict(surrogates).to(memory_format=torch.channels_last)
        average = get_ema_multi_avg_fn(0.98)  # type: ignore[no-untyped-call]
        self.average = AveragedModel(self.surrogates, multi_avg_fn=average)
        self.adam = torch.optim.Adam(self.surrogates.parameters(), RATE)
        self.schedule = LambdaLR(self.adam, lambda step: 0.5 + 0.5 * math.cos(math.pi * step / count))

    def step(self, index: int) -> dict[str, float]:
        """Draw one more sample, take one step and return the loss of each surrogate."""
        self.latest.append(teach(self.bank, index))
        batch = [self.latest[place] for place in self.rng.choice(len(self.latest), BATCH, replace=False)]
        losses = {name: self._loss(name, batch) for name in self.surrogates}
        self.adam.zero_grad()
        torch.autograd.backward(list(losses.values()))
        nn.utils.clip_grad_norm_(self.surrogates.parameters(), CLIP)
        self.adam.step()
        self.schedule.step()
        self.average.update_parameters(self.surrogates)
        return {name: round(loss.item(), 4) for name, loss in losses.items()}

    def averaged(self) -> Surrogates:
        """Return the averaged surrogates; they take features as the bank makes them."""
        averages = dict(self.average.module.named_children())
        surrogates = {res: Surrogate(res) for res in RESOLUTIONS}
        for res, surrogate in surrogates.items():
            surrogate.load_state_dict(averages[str(res)].state_dict())
            surrogate.enter.weight.data /= self.scales[res]
        return surrogates

    def _loss(self, name: str, batch: Sequence[Sample]) -> Tensor:
        res = int(name)
        features = torch.cat([one.features[res].float() / self.scales[res] for one in batch])
        latents = torch.cat([one.latents for one in batch])
        images = self.surrogates[name](features.contiguous(memory_format=torch.channels_last), latents)
        targets = torch.cat([_part(one.images[res], one.corner, QUARTER / WINDOW) for one in batch])
        parts = [_part(images[place : place + 1], one.corner, QUARTER / WINDOW) for place, one in enumerate(batch)]
        errors = torch.cat(parts) - targets
        # The coarse error weighs more than the fine one: an LR image sees nothing else.
        return errors.square().mean() + 2 * F.avg_pool2d(errors, 4).square().mean()


@torch.inference_mode()
def teach(bank: MobileStyleGAN, index: int) -> Sample:
    """Make one sample: coarse noise is random, and fine noise, which no surrogate can know, is left out."""
    rng = np.random.default_rng(index)
    corner = (int(rng.integers(2)), int(rng.integers(2)))
    latents, share = _latents(bank, index), WINDOW / LEVEL
    noise = [
        torch.from_numpy(rng.standard_normal((1, 1, *size), dtype=np.float32))
        if size[0] <= LEVEL
        else torch.zeros(1, 1, round(size[0] * share), round(size[1] * share))
        for size in bank.noise_shapes()
    ]
    features = bank.synthesise(latents, noise=noise, stop_at=LEVEL).features
    windows = {res: _part(feature, corner, share) for res, feature in features.items()}
    image = full_image(bank.synthesise(latents, noise=noise, start=(LEVEL, windows[LEVEL])))
    sides = {res: round(res * share) for res in RESOLUTIONS}
    images = {res: resize_tensor(image, side, side) for res, side in sides.items()}
    return Sample(latents, {res: windows[res // 2].half() for res in RESOLUTIONS}, images, corner)


@torch.inference_mode()
def held_out(
    bank: MobileStyleGAN, surrogates: Surrogates, indices: Sequence[int], truncation: float
) -> dict[int, float]:
    """Return the mean PSNR of each surrogate in dB, on whole images that no fitting used."""
    total = dict.fromkeys(surrogates, 0.0)
    for index in indices:
        latents = bank.sample([index], Domain.VALIDATION, truncation)
        synthesis = bank.synthesise(latents)
        for res, surrogate in surrogates.items():
            image = resize_tensor(full_image(synthesis), res, res)
            error = F.mse_loss(surrogate(synthesis.features[res // 2], latents), image).item()
            total[res] += 10 * math.log10(4 / error) / len(indices)
    return {res: round(value, 2) for res, value in total.items()}


def _latents(bank: MobileStyleGAN, index: int) -> Tensor:
    # Half of the samples have one latent; in the others every slot goes its own way, as in a search for an image.
    slots = bank.latents.slots
    first = MEAN_DRAWS + (slots + 1) * index
    drawn = bank.sample(range(first, first + slots + 1), Domain.FITTING, uniform(Domain.FITTING, first, 0.5, 1.0))
    spread = 0.0 if index % 2 else uniform(Domain.FITTING, first + 1, 0.0, 1.0)
    return torch.lerp(drawn[:1].expand(slots, -1), drawn[1:], spread)[None]


def _save(surrogates: Surrogates) -> None:
    tensors = {
        f"{res}.{name}": value.half().contiguous()
        for res, surrogate in surrogates.items()
        for name, value in surrogate.state_dict().items()
    }
    save_file(tensors, WEIGHTS)


def _scale(features: Sequence[Tensor]) -> Tensor:
    """Return the size of each channel; a nearly silent one counts as a tenth of the average."""
    size = torch.cat(list(features)).float().square().mean((0, 2, 3)).sqrt()
    return size.clamp(min=0.1 * size.mean().item())[:, None, None]


def _part(x: Tensor, corner: tuple[int, int], share: float) -> Tensor:
    rows, columns = (
        slice(0, round(side * share)) if low == 0 else slice(side - round(side * share), side)
        for side, low in zip(x.shape[2:], corner, strict=True)
    )
    return x[:, :, rows, columns]


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    main()
