"""Large-factor image super-resolution, compared fairly: restore, score, report.

The names of `__all__` are the public API. Each is imported from its room when it is first asked for, so that
`import bench` loads neither torch nor pandas; `__init__.pyi` gives type checkers the same names.
"""

from importlib import import_module

_ROOMS = {
    "bench.assets.declare": ("Address", "Asset", "ByHand", "Wheel"),
    "bench.assets.fetch": ("fetch", "is_here"),
    "bench.base.bank": ("Bank", "Latents", "NoiseMaps", "Synthesis"),
    "bench.base.errors": (
        *("AssetError", "BenchError", "ImageError", "MethodError", "StoreError", "Unavailable", "UsageError"),
    ),
    "bench.base.method": ("Method",),
    "bench.base.metric": ("Better", "ImageMetric", "SetFeatures", "SetMetric", "SetValue"),
    "bench.base.source": ("Source",),
    "bench.base.types": ("Batch", "Category", "Cell", "Needs", "Pixels", "Restored", "Size"),
    "bench.pipeline.run": ("run",),
    "bench.pipeline.score": ("score",),
    "bench.registry.banks": ("plugin_bank",),
    "bench.store.records": ("Status",),
    "bench.store.results": ("Run", "read_results"),
    "reports.export": ("export",),
    "reports.figure": ("figure",),
    "reports.report": ("report",),
}
_HOME = {name: room for room, names in _ROOMS.items() for name in names}

__all__ = [*_HOME]  # noqa: PLE0604 (every one is a text)


def __getattr__(name: str) -> object:
    if name == "__version__":
        from importlib.metadata import PackageNotFoundError, version

        try:
            return version("glean-bench")
        except PackageNotFoundError:  # a checkout that was never installed
            return "0+unknown"
    if name not in _HOME:
        raise AttributeError(f"module 'bench' has no attribute '{name}'")
    room = _HOME[name]
    if room.startswith(("bench.pipeline", "reports")):
        from bench.base.rooms import refuse_other_packages

        refuse_other_packages()
    return getattr(import_module(room), name)
