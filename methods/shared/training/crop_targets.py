"""What a crop at the bank's own size should be, for everything that is trained on its samples."""

from collections.abc import Sequence

import torch
from torch import Tensor

from bench import Bank
from methods.shared.networks.consistency import add_detail
from methods.shared.training.augmentation import Augmentation
from methods.shared.training.crops import CropBox, bank_noise, crop, synthesise_crop
from methods.shared.training.pool import Draw


@torch.no_grad()
def crop_target(bank: Bank, draw: Draw, box: CropBox, start: int, step: int) -> Tensor:
    """Return what a crop of the full-size image should be, (n, 3, p, p), for the images that were sampled.

    The bank's noise maps are the same for every image that it makes, and no other image has them: a network that
    learnt to count on them would paint them on photographs. So the target has other noise, drawn for the step.
    """
    noise = _fresh(bank_noise(bank), step)
    changes = [change for change, use in zip(draw.augmentations, draw.sampled, strict=True) if use]
    hr = crop(draw.hr[draw.sampled], box, start)
    side = box.side * bank.resolution // start
    crops = [
        hr.new_zeros(1, hr.shape[1], side, side)  # nothing of it would be used
        if change is not None and change.sharpness == 0
        else sample_crop(bank, latent[None], change, box, start, noise)
        for latent, change in zip(draw.latents[draw.sampled], changes, strict=True)
    ]
    # A bank with skip connections draws only its upper part here, so the lower part comes from HR.
    sharpness = hr.new_tensor([1.0 if change is None else change.sharpness for change in changes])
    return add_detail(hr, torch.cat(crops), sharpness[:, None, None, None].expand_as(hr[:, :1]))


def sample_crop(  # noqa: PLR0917 (each is a part of one pass)
    bank: Bank, latent: Tensor, change: Augmentation | None, box: CropBox, start: int, noise: Sequence[Tensor]
) -> Tensor:
    """Return the crop of one sample (1, 3, p, p), augmented as the sample was."""
    there = box.mirrored(start) if change is not None and change.mirrored else box
    with torch.autocast(latent.device.type, enabled=False):  # as precise as the samples themselves
        feature = bank.synthesise(latent, stop_at=start).features[start]
        image = synthesise_crop(bank, latent, start, feature, there, noise)
    return image if change is None else change(image[0])[None]


def _fresh(maps: Sequence[Tensor], step: int) -> list[Tensor]:
    """Return other noise maps of the same sizes, drawn for a step."""
    generator = torch.Generator().manual_seed(step)
    return [torch.randn(one.shape, generator=generator).to(one) for one in maps]
