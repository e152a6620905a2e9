"""pyiqa's metrics, in an environment of their own: the package is no dependency, and its terms are not ours."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import venv
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from bench import read_results
from bench.base.errors import Unavailable, UsageError
from bench.registry import METRICS
from tests.commands import bench
from tests.conftest import photo

ROOT = Path(__file__).parents[3]
VERSION = "0.1.16"
CODE = """
import json, sys
import numpy as np, pyiqa, torch
from bench import read_results
from bench.base.errors import BenchError
from bench.registry import METRICS
a, b = np.load(sys.argv[1])
tensors = [torch.from_numpy(x).permute(2, 0, 1)[None] / 255 for x in (a, b)]
found = {}
for name in ("ssimc", "ms_ssim"):
    metric = METRICS.create(f"pyiqa:{name}")
    metric.load(torch.device("cpu"))
    own = pyiqa.create_metric(name, device="cpu")
    found[name] = [metric.compare(a, metric.features(b), 16), own(*tensors).item(), metric.better.value, metric.signature]
for name in ("niqe", "no_such"):
    try:
        METRICS.create(f"pyiqa:{name}").load(torch.device("cpu"))
    except BenchError as error:
        found[name] = [type(error).__name__, str(error), error.remedy]
print(json.dumps(found))
"""


def test_without_the_package_it_says_the_remedy() -> None:
    if find_spec("pyiqa"):
        pytest.skip("pyiqa is installed here")
    metric = METRICS.create("pyiqa:musiq")
    assert metric.name == "pyiqa:musiq"
    with pytest.raises(Unavailable, match=r"pyiqa:musiq needs the package pyiqa.*pip install pyiqa"):
        metric.load(torch.device("cpu"))
    with pytest.raises(UsageError, match="expected pyiqa:NAME"):
        METRICS.create("pyiqa")


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An interpreter that has this one's packages, and pyiqa."""
    folder = tmp_path_factory.mktemp("pyiqa")
    venv.create(folder)
    python = folder / "bin" / "python"
    site = next(folder.glob("lib/python*/site-packages"))
    (site / "ours.pth").write_text(f"{sysconfig.get_path('purelib')}\n{ROOT}\n")
    pip = [sys.executable, "-m", "pip", "--python", python, "--quiet"]
    command = [*pip, "install", "--no-deps", f"pyiqa=={VERSION}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return python


@pytest.mark.slow
def test_its_values_are_pyiqas_own(python: Path, tmp_path: Path) -> None:
    np.save(tmp_path / "pair.npy", np.stack([photo(1, 256, 256), photo(2, 256, 256)]))
    env = {**os.environ, "TORCH_HOME": str(tmp_path), "HF_HUB_OFFLINE": "1", "http_proxy": "http://127.0.0.1:9",
           "https_proxy": "http://127.0.0.1:9"}  # fmt: skip
    command = [python, "-W", "ignore", "-c", CODE, tmp_path / "pair.npy"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path, env=env)
    found = json.loads(done.stdout.splitlines()[-1])
    for name in ("ssimc", "ms_ssim"):
        ours, own, better, signature = found[name]
        assert ours == own
        assert better == "higher"
        assert signature == f"pyiqa|{VERSION}|{name}|range:0,1|one-image|uint8|v1"
    kind, sentence, remedy = found["niqe"]
    assert kind == "Unavailable"
    assert "pyiqa cannot make niqe" in sentence
    assert "get its file" in remedy
    assert found["no_such"][0] == "UsageError"


RUN = ["run", "--methods", "nearest", "--category", "t=images", "--factor", "16", "--out", "out", "--metrics"]


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    """A metric of one's own, from the template, beside a folder of one image."""
    folder = tmp_path / "images"
    folder.mkdir()
    Image.fromarray(photo(1, 128, 128)).save(folder / "a.png")
    assert bench("metrics", "new", "mine", cwd=tmp_path).returncode == 0
    path = tmp_path / "mine.py"
    filled = "return float(abs(sr.astype(int) - features).mean())"
    path.write_text(path.read_text().replace('raise ImageError("fill me in")', filled))
    return path


@pytest.mark.slow
def test_one_command_takes_a_file_lpips_and_one_of_pyiqas(python: Path, tmp_path: Path, mine: Path) -> None:
    command = [python, "-W", "ignore", "-m", "bench", *RUN, "./mine.py,lpips,pyiqa:ssimc"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    frame = read_results(tmp_path / "out")
    values = frame[frame.value.notna()].set_index("metric").value
    assert {"mine", "lpips", "pyiqa:ssimc"} <= set(values.index)
    assert 0 < values["pyiqa:ssimc"] < 1


@pytest.mark.slow
def test_without_pyiqa_it_costs_one_sentence_and_an_edited_file_is_measured_again(
    tmp_path: Path, mine: Path
) -> None:
    done = bench(*RUN, "./mine.py,psnr,pyiqa:ssimc", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("metric pyiqa:ssimc needs the package pyiqa") == 1
    mine.write_text(mine.read_text().replace(".mean())", ".max())"))
    assert bench("score", "out", "--metrics", "./mine.py", cwd=tmp_path).returncode == 0
    frame = read_results(tmp_path / "out")
    (value,) = frame[frame.metric == "mine"].value
    assert value == round(value)  # the largest difference: the values of the edited file alone are left
