"""Train a small diffusion prior of faces at 64 pixels for `ddrm`, where a released one cannot be had.

    python -m scripts.train_small_prior --out training/faces64
    bench run --methods 'ddrm[prior=training/faces64]' --category 'faces[prepare=squash:64]' --factor 8

Its images are drawn from the embedded bank with the training stream of random numbers: its layers up to 64, the
surrogate for 128, and the mean of two by two pixels. Take a GPU: a step takes 1 to 3 seconds of a core. The same
command goes on where it was stopped, at most 250 steps back; the moving average is a prior from the first 250 on.
"""

import argparse
import logging
from io import BytesIO
from pathlib import Path
from typing import Any, cast

import torch
from diffusers import DDPMScheduler, UNet2DModel
from torch import Tensor
from torch.nn import functional as F
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from bench.base.device import usable_device
from bench.base.files import write_atomically
from bench.base.seeds import Domain
from methods.shared import banks
from methods.shared.banks import surrogate

log = logging.getLogger(__name__)

SIZE, SOURCE = 64, 128
POOL, BATCH, RATE = 512, 16, 5e-4
TRUNCATION = 0.7
SAVE_EVERY = 250
KEEP = 0.998
"""Of the moving average, from step to step."""


def network() -> UNet2DModel:
    """Return an untrained UNet of 3.3 million parameters, with attention at 8 pixels."""
    return UNet2DModel(
        sample_size=SIZE,
        block_out_channels=(32, 64, 96, 128),
        layers_per_block=1,
        down_block_types=("DownBlock2D", "DownBlock2D", "DownBlock2D", "AttnDownBlock2D"),
        up_block_types=("AttnUpBlock2D", "UpBlock2D", "UpBlock2D", "UpBlock2D"),
        attention_head_dim=32,
        norm_num_groups=16,
    )


@torch.no_grad()
def draw(count: int, device: str) -> Tensor:
    """Return faces (count, 3, 64, 64) in [-1, 1]."""
    bank = banks.load("mobilestylegan").to(device)
    finish, images = surrogate.load(bank, SOURCE), []
    for index in range(count):
        latents = bank.sample([index], Domain.TRAINING, TRUNCATION)
        feature = bank.synthesise(latents, stop_at=SOURCE // 2).features[SOURCE // 2]
        images.append(F.avg_pool2d(finish(feature, latents).clamp(-1, 1), SOURCE // SIZE))
    return torch.cat(images)


def train(images: Tensor, steps: int, out: Path) -> None:
    """Teach a network to predict the noise in images, mirrored or not, and save its moving average."""
    device, levels = images.device, DDPMScheduler()
    model = network().to(device)
    average = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(KEEP))  # type: ignore[no-untyped-call]
    optimiser = torch.optim.AdamW(model.parameters(), RATE, weight_decay=0.0)
    parts = {"model": model, "average": average, "optimiser": optimiser}
    levels.save_pretrained(out / "scheduler")
    first = _resume(parts, out / "state.pt")
    for step in range(first, steps):
        torch.manual_seed(step)
        optimiser.param_groups[0]["lr"] = RATE * min(1.0, (step + 1) / 100, 4 * (1 - step / steps))
        clean = images[torch.randint(len(images), (BATCH,), device=device)]
        clean = clean.flip(3) if step % 2 else clean
        noise, t = torch.randn_like(clean), torch.randint(1000, (BATCH,), device=device)
        loss = F.mse_loss(model(levels.add_noise(clean, noise, t), t).sample, noise)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        average.update_parameters(model)
        if (step + 1) % SAVE_EVERY == 0 or step + 1 == steps:
            cast(UNet2DModel, average.module).save_pretrained(out / "unet")
            _save(parts, step + 1, out / "state.pt")
            log.info("step %d of %d, loss %.4f", step + 1, steps, loss.item())


def _save(parts: dict[str, Any], step: int, path: Path) -> None:
    content = BytesIO()
    torch.save({"step": step} | {name: part.state_dict() for name, part in parts.items()}, content)
    write_atomically(path, content.getvalue())


def _resume(parts: dict[str, Any], path: Path) -> int:
    """Give the parts what an interrupted training saved, and return its next step."""
    if not path.exists():
        return 0
    state = torch.load(path, weights_only=True)
    for name, part in parts.items():
        part.load_state_dict(state[name])
    return int(state["step"])


def main() -> None:
    """Train, and save as `diffusers` saves a pipeline."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=10_000)
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    torch.manual_seed(0)
    train(draw(POOL, usable_device("auto")), arguments.steps, arguments.out)


if __name__ == "__main__":
    main()
