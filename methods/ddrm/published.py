"""The priors that Google released with `diffusers`: DDPM (Ho et al., NeurIPS 2020) at 256 pixels."""

from typing import Any, NamedTuple

from bench import Address, Asset

SIZE = 256
CONFIG: dict[str, Any] = {
    "sample_size": SIZE,
    "in_channels": 3,
    "out_channels": 3,
    "block_out_channels": [128, 128, 256, 256, 512, 512],
    "layers_per_block": 2,
    "down_block_types": [*["DownBlock2D"] * 4, "AttnDownBlock2D", "DownBlock2D"],
    "up_block_types": ["UpBlock2D", "AttnUpBlock2D", *["UpBlock2D"] * 4],
    "attention_head_dim": None,
    "downsample_padding": 0,
    "flip_sin_to_cos": False,
    "freq_shift": 1,
    "norm_eps": 1e-6,
}
"""Of the network of all four; what is not named is as `UNet2DModel` has it."""
SCHEDULE: dict[str, Any] = {
    "num_train_timesteps": 1000,
    "beta_schedule": "linear",
    "beta_start": 1e-4,
    "beta_end": 0.02,
}


class Release(NamedTuple):
    """A released prior."""

    asset: Asset
    kind: str
    """What its images show."""
    trained_on: str


def _release(
    name: str, kind: str, trained_on: str, file: str = "diffusion_pytorch_model.bin", sha256: str | None = None
) -> Release:
    licence = f"Apache-2.0; 455 MB; trained on {trained_on}"
    source = Address(f"https://huggingface.co/google/{name}/resolve/main/{file}")
    return Release(Asset(f"diffusion/{name}/{file}", licence, None, sha256, (source,)), kind, trained_on)


RELEASED = {
    "ddpm-celebahq-256": _release("ddpm-celebahq-256", "faces", "CelebA-HQ"),
    "ddpm-cat-256": _release(
        "ddpm-cat-256",
        "cats",
        "LSUN cat",
        "diffusion_pytorch_model.safetensors",
        "0806be43de621861d03d96670492ea2e65943c96155b5d1c81bcc813668946a9",
    ),
    "ddpm-bedroom-256": _release("ddpm-bedroom-256", "bedrooms", "LSUN bedroom"),
    "ddpm-church-256": _release("ddpm-church-256", "churches", "LSUN church"),
}
"""By name."""
