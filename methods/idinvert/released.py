"""The encoders that in-domain inversion released: where a person gets them, and the banks that they are for.

They lie on Google Drive, at the addresses in the README of genforce/idinvert_pytorch, each beside its generator
(`methods.shared.banks.released`). With both in the cache, or as files of one's own:

    bench run --methods 'idinvert[weights=styleganinv_ffhq256_encoder.pth,bank=stylegan1-ffhq-256]' ...
    bench run --methods 'idinvert[weights=PATH/encoder.pth,bank=stylegan1:PATH/generator.pth]' ...
"""

from pathlib import Path
from typing import NamedTuple

from bench import Asset, ByHand
from methods.shared import banks

FAMILY = "stylegan1"
"""Of the banks that such encoders are for."""
_LICENCE = "MIT (genforce/idinvert_pytorch); trained on FFHQ or LSUN"


class Release(NamedTuple):
    """A released encoder and the bank that it is for."""

    asset: Asset
    bank: str


def _release(name: str, drive: str) -> Release:
    where = ByHand(f"get it from https://drive.google.com/file/d/{drive}")
    asset = Asset(f"idinvert/styleganinv_{name}256_encoder.pth", _LICENCE, None, None, (where,))
    return Release(asset, f"{FAMILY}-{name}-256")


RELEASED = {
    Path(release.asset.name).name: release
    for release in (
        _release("ffhq", "1gij7xy05crnyA-tUTQ2F3yYlAlu6p9bO"),
        _release("tower", "1Pzkgdi3xctdsCZa9lcb7dziA_UMIswyS"),
        _release("bedroom", "1ebuiaQ7xI99a6ZrHbxzGApEFCu0h0X2s"),
    )
}
"""By file name."""


def remedy(name: str) -> str | None:
    """Say where a file of this name is to be had; nothing of any other name."""
    if name not in RELEASED:
        return None
    asset = RELEASED[name].asset
    return f"{asset.sources[0]}, and give its path, or put it at {asset.path} and give its name"


def incompatibility_reason(name: str, bank: str) -> str | None:
    """Return why an encoder is none for a bank, as far as their names tell; loading compares what they hold."""
    release = RELEASED.get(name)
    if banks.family(bank) != FAMILY:
        return f"the published encoder {name} is for a bank such as {FAMILY}-ffhq-256, not for {bank}"
    if release is not None and bank in banks.NAMES and bank != release.bank:
        return f"the published encoder {name} is for the bank {release.bank}, not for {bank}"
    return None
