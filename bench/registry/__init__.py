"""The registries: what can be selected by name, listed without importing any of it.

    METRICS.entries()       what there is, by name
    METRICS.create("psnr")  an object; a name, `name:argument`, or the path of a .py file

A selection of a method, with options, is built by `bench.registry.methods`.
"""

from bench.base.errors import MethodError
from bench.registry.registry import Registry

METHODS = Registry("method", "methods", ("Method",), MethodError, takes_files=True)
METRICS = Registry(
    "metric",
    "bench.metrics",
    ("ImageMetric", "SetMetric"),
    order=(
        *("psnr", "psnr_y", "ssim", "ms_ssim", "lr_psnr", "haarpsi", "lpips", "lpips_vgg", "lpips_squeeze"),
        *(
            "lite2",
            "lite0",
            "dists",
            "niqe",
            "arcface",
            "arcface_antelope",
            "dlib",
            "landmarks",
            "fid",
            "kid",
            "pyiqa",
        ),
    ),
    takes_files=True,
)
"""In the order of tables."""
BANKS = Registry("bank", "methods.shared.banks", ("Bank",))
"""Families of banks; those of a release or a file are loaded by `bench.registry.banks`."""
SOURCES = Registry("source", "bench.categories.sources", ("Source",))

DEFAULT_METRICS = ("psnr", "ssim", "lr_psnr", "lpips", "lite2", "arcface", "dlib", "landmarks")
"""What is computed when nobody says; set metrics mean little on few images, so only on request."""
