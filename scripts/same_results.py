"""What `scripts/same_results.sh` compares: the decoded images, values and signatures of two commits' runs.

python scripts/same_results.py prepare OUT     # the files that spandrel and command need
python scripts/same_results.py compare OUT     # OUT/old-* beside OUT/new-*: exits with 1 if anything differs
"""

import hashlib
import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

KEYS = ["method", "category", "factor", "image", "metric"]
MEASURED = {"seconds", "peak_memory_mb"}
"""Metrics that no two runs share."""

_PROGRAM = """
import sys
import numpy as np
from PIL import Image
source, target, factor = sys.argv[1:]
pixels = np.asarray(Image.open(source))
Image.fromarray(pixels.repeat(int(factor), 0).repeat(int(factor), 1)).save(target)
"""


def prepare(out: Path) -> None:
    """Write a program with its card, and a small network with random weights, unless they are there."""
    import torch
    from spandrel.architectures.Compact import Compact

    folder = out / "files"
    if (folder / "net.pth").exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "program.py").write_text(_PROGRAM, "utf-8")
    command = [sys.executable, "program.py", "{input}", "{output}", "{factor}"]
    (folder / "card.toml").write_text(f"command = {json.dumps(command)}\n", "utf-8")
    torch.manual_seed(0)
    network = Compact(num_in_ch=3, num_out_ch=3, num_feat=8, num_conv=2, upscale=4)
    torch.save({"params": network.state_dict()}, folder / "net.pth")


def compare(out: Path) -> bool:
    """Print how many images and values of each pair of runs are equal and which differ; return whether all are."""
    same = True
    for old in sorted(path for path in out.glob("old-*") if path.is_dir()):
        new = out / old.name.replace("old-", "new-", 1)
        for what, read in (("images", _images), ("values", _values)):
            same &= _compare(f"{old.name[4:]}, {what}", read(old), read(new))
    return same


def _compare(title: str, old: dict[str, object], new: dict[str, object]) -> bool:
    differing = sorted(key for key in old.keys() | new.keys() if old.get(key) != new.get(key))
    lines = [f"{title}: {len(old.keys() | new.keys()) - len(differing)} equal, {len(differing)} differ"]
    lines += [f"    {key}: {old.get(key, 'missing')} -> {new.get(key, 'missing')}" for key in differing]
    sys.stdout.write("\n".join(lines) + "\n")
    return bool(old) and not differing


def _images(run: Path) -> dict[str, object]:
    files = [file for folder in ("hr", "lr", "sr") for file in (run / folder).rglob("*.png")]
    return {file.relative_to(run).as_posix(): _digest(file) for file in files}


def _digest(file: Path) -> str:
    pixels = np.asarray(Image.open(file))
    return hashlib.sha256(str((pixels.shape, pixels.dtype)).encode() + pixels.tobytes()).hexdigest()[:16]


def _values(run: Path) -> dict[str, object]:
    frame = pd.read_csv(run.with_name(f"{run.name}.csv"), dtype=str, keep_default_na=False)
    rows = frame[~frame.metric.isin(MEASURED)].to_dict("records")
    return {" ".join(row[key] for key in KEYS): (row["value"], row["signature"], row["status"]) for row in rows}


if __name__ == "__main__":
    step, folder = sys.argv[1:]
    if step == "prepare":
        prepare(Path(folder))
    elif not compare(Path(folder)):
        sys.exit(1)
