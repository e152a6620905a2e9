"""Banks of other projects' releases by name, and by the path of a file in their layouts.

Their weights lie where only a person can get them: the assets say from which address, and under which name to put
them into the cache.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, get_args

from bench import Asset, ByHand, fetch
from bench.base.errors import unknown
from methods.shared.banks import metadata

if TYPE_CHECKING:
    import torch

    from bench import Bank
    from methods.shared.state_files import Tensors

Family = Literal["pggan", "stylegan1", "biggan"]

_DRIVE = "https://drive.google.com"
_PGGAN = "https://github.com/genforce/mganprior (models/README.md)"
_DGP = f"{_DRIVE}/drive/folders/1buQ2BtbnUhkh4PEPXOgdPuVo2iRK7gvI"


class Released(NamedTuple):
    """A bank that can be loaded."""

    family: Family
    files: tuple[Asset | Path, ...]
    """The generator's, then what belongs to it: PULSE's mapping, BigGAN's discriminator."""
    kind: str | None = None

    @property
    def ASSETS(self) -> tuple[Asset | Path, ...]:  # noqa: N802 - as a bank's module calls them
        """Return its files."""
        return self.files

    def load(self, device: str | torch.device = "cpu") -> Bank:
        """Read the bank.

        Raises:
            AssetError: when a file cannot be had, is damaged, or is no such bank.
        """
        from methods.shared.state_files import building, read

        paths = [fetch(file) if isinstance(file, Asset) else file for file in self.files]
        contents = [read(path) for path in paths]
        with building(paths[0], f"bank of family {self.family}"):
            return self._build(contents, paths).to(device)

    def _build(self, contents: list[Tensors], paths: list[Path]) -> Any:
        from methods.shared.banks import biggan, pggan, stylegan1

        if self.family == "pggan":
            return pggan.build(contents[0], paths[0], self.kind)
        if self.family == "biggan":
            return biggan.build(contents[0], paths[0], contents[1] if len(contents) > 1 else None)
        whole = contents[0]
        if len(contents) > 1:
            parts = zip(("synthesis", "mapping"), contents, strict=True)
            whole = {f"{part}.{key}": value for part, tensors in parts for key, value in tensors.items()}
        return stylegan1.build(whole, paths[0], self.kind)


def _asset(name: str, where: str, licence: str) -> Asset:
    return Asset(name, licence, None, None, (ByHand(f"get it from {where}"),))


def _pggan(file: str) -> tuple[Asset]:
    name = f"pggan_{file}_generator.pth"
    where = f"{_PGGAN}, which converts the TensorFlow file into {name}"
    return (_asset(f"pggan/{name}", where, "CC BY-NC 4.0, trained by NVIDIA"),)


def _idinvert(file: str, drive: str) -> tuple[Asset]:
    name, licence = f"styleganinv_{file}256_generator.pth", "MIT (genforce/idinvert_pytorch)"
    return (_asset(f"stylegan1/{name}", f"{_DRIVE}/file/d/{drive}", f"{licence}; trained on FFHQ or LSUN"),)


def _biggan(resolution: int) -> tuple[Asset, ...]:
    licence = "MIT (deep-generative-prior); trained on ImageNet"
    files = (f"G_ema_{resolution}.pth", f"D_{resolution}.pth")
    return tuple(_asset(f"biggan/{file}", _DGP, licence) for file in files)


def _pulse() -> tuple[Asset, ...]:
    licence = "CC BY-NC-SA 4.0, StyleGAN of NVIDIA trained on FFHQ"
    drive = {"synthesis": "1TCViX1YpQyRsklTVYEJwdbmK91vklCo8", "mapping": "14R6iHGf5iuVx3DMNsACAl7eBr7Vdpd0k"}
    return tuple(_asset(f"stylegan1/{part}.pt", f"{_DRIVE}/uc?id={one}", licence) for part, one in drive.items())


_FILES: dict[str, tuple[Asset, ...]] = {
    "pggan-celebahq": _pggan("celebahq1024"),
    "pggan-cat": _pggan("cat256"),
    "pggan-car": _pggan("car256"),
    "pggan-bedroom": _pggan("bedroom256"),
    "pggan-tower": _pggan("tower256"),
    "biggan-128": _biggan(128),
    "biggan-256": _biggan(256),
    "stylegan1-ffhq": _pulse(),
    "stylegan1-ffhq-256": _idinvert("ffhq", "1SjWD4slw612z2cXa3-n38JwKZXqDUerG"),
    "stylegan1-tower-256": _idinvert("tower", "1lI_OA_aN4-O3mXEPQ1Nv-6tdg_3UWcyN"),
    "stylegan1-bedroom-256": _idinvert("bedroom", "1ka583QwvMOtcFZJcu29ee8ykZdyOCcMS"),
}
_FAMILIES: dict[str, Family] = {family: family for family in get_args(Family)}
RELEASED = {
    name: Released(_FAMILIES[name.partition("-")[0]], files, metadata(name).kind) for name, files in _FILES.items()
}


def source(name: str) -> Released:
    """Return a bank of `RELEASED`, or that of a file of one's own, `FAMILY:PATH`.

    What belongs to a file is looked for beside it: `synthesis.pt` needs `mapping.pt` (PULSE), and `G_ema.pth` or
    `G_ema_256.pth` takes `D.pth` or `D_256.pth` where there is one (BigGAN).

    Raises:
        UsageError: when it is neither.
    """
    family, colon, text = name.partition(":")
    if name in RELEASED:
        return RELEASED[name]
    if not colon or family not in _FAMILIES:
        raise unknown("bank", name, RELEASED)
    path = Path(text).expanduser()
    beside = None
    if family == "stylegan1" and path.name == "synthesis.pt":
        beside = path.with_name("mapping.pt")  # `read` says that it is missing
    elif family == "biggan" and path.name.startswith("G_ema"):
        discriminator = path.with_name(path.name.replace("G_ema", "D", 1))
        beside = discriminator if discriminator.is_file() else None
    return Released(_FAMILIES[family], (path,) if beside is None else (path, beside))
