"""What a command ran on: versions, hardware, source state. Plain values that make a number traceable."""

import os
import platform
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import psutil

import bench
from bench.base.device import describe_gpu

PACKAGES = (
    "torch", "torchvision", "numpy", "scipy", "pandas", "pillow", "scikit-image", "timm", "lpips", "spandrel",
)  # fmt: skip


def describe(command: str, device: str, threads: int) -> dict[str, Any]:
    """Return the provenance of one command; nothing in it changes when the same command is given again."""
    return {
        "command": command,
        "suite": bench.__version__,
        "source": source_state(),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "processor": processor(),
        "cores": os.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 1e9),
        "device": device,
        **({"device_name": processor()} if device == "cpu" else describe_gpu()),
        "threads": threads,
        "packages": {name: installed for name in PACKAGES if (installed := _version(name))},
    }


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def source_state() -> str:
    """Return the commit of the checkout this runs from, `+dirty` when it has changes, or `installed`."""
    root = Path(__file__).parents[2]
    if not (root / ".git").exists():
        return "installed"
    commit = _git(root, "rev-parse", "--short=12", "HEAD")
    return commit + ("+dirty" if _git(root, "status", "--porcelain", "--untracked-files=no") else "")


def _git(root: Path, *arguments: str) -> str:
    try:
        done = subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, check=False)
    except OSError:
        return "unknown"
    return done.stdout.strip() or ("unknown" if done.returncode else "")


def processor() -> str:
    """Return the name of this machine's processor."""
    if sys.platform == "linux":
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
        if named:
            return named[0]
    return platform.processor() or platform.machine()
