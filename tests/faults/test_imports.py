"""An adapter that does what it must not while it is imported: the command that imports it is unharmed."""

from __future__ import annotations

import bench as package
from tests.commands import bench
from tests.conftest import write_adapter
from tests.faults.comparing import COSTS

RUDE = """
import os, sys, random, warnings, numpy, torch
print("spoilt on stdout", flush=True)
os.write(1, b"spoilt on 1")
os.system("echo spoilt by a child")
os.chdir("/")
os.environ["BENCH_HOME"] = "/nowhere"
numpy.seterr(all="raise")
torch.set_num_threads(1)
torch.set_default_dtype(torch.float64)
torch.set_grad_enabled(False)
warnings.simplefilter("error")
"""


def values(run):
    frame = package.read_results(run)
    return frame[~frame.metric.isin(COSTS) & (frame.method == "bicubic")].reset_index(drop=True)


def test_the_command_and_its_scoring_are_unharmed(folder, tmp_path):
    supports = "def supports(self, lr_size, hr_size, factor, category):\n    print('spoilt by supports')"
    path = write_adapter(tmp_path / "rude.py", name="rude", members=supports)
    path.write_text(path.read_text().replace("import torch\n", f"import torch\n{RUDE}", 1))
    options = ("--category", f"mine={folder}", "--factor", "16", "--metrics", "psnr,ssim", "--device", "cpu")
    assert bench("run", "--methods", "bicubic", *options, "--out", "without", cwd=tmp_path).returncode == 0
    done = bench("run", "--methods", "./rude.py,bicubic", *options, "--out", "with", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "spoilt" not in done.stdout
    assert "spoilt by supports" in done.stderr
    assert (tmp_path / "with" / "run.json").exists(), "a relative --out is still one of the folder of the command"
    assert values(tmp_path / "with").equals(values(tmp_path / "without"))
