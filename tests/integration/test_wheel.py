"""The wheel, installed outside the checkout, works and carries its cards, weights and templates."""

import subprocess
import sys
from pathlib import Path

from PIL import Image

from tests.conftest import photo

ROOT = Path(__file__).parents[2]


def run(command, **options):
    done = subprocess.run(command, capture_output=True, text=True, check=False, **options)
    assert done.returncode == 0, done.stderr
    return done


def test_the_wheel_works_outside_the_checkout(tmp_path):
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    build = [*pip, "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", tmp_path / "dist", ROOT]
    run(build)
    wheel = next((tmp_path / "dist").glob("glean_bench-*.whl"))
    site = tmp_path / "site"
    run([*pip, "install", "--no-deps", "--target", site, wheel])
    assert sorted(p.name for p in site.iterdir() if not p.name.endswith("info") and p.name != "bin") == [
        "bench",
        "methods",
        "reports",
    ]
    (tmp_path / "p").mkdir()
    Image.fromarray(photo(1)).save(tmp_path / "p" / "a.png")
    code = "import bench; assert bench.__file__.startswith({site!r}), bench.__file__; from bench.cli import main; main()"
    for arguments in (
        ["list", "categories"],
        [
            "run",
            "--methods",
            "bicubic",
            "--category",
            "mine=p",
            "--factor",
            "16",
            "--metrics",
            "psnr",
            "--device",
            "cpu",
        ],
        ["report"],
    ):
        done = run(
            [sys.executable, "-c", code.format(site=str(site)), *arguments],
            cwd=tmp_path, env={"PYTHONPATH": str(site), "PATH": "/usr/bin:/bin", "HOME": str(tmp_path)},
        )  # fmt: skip
        assert "faces" in done.stdout or arguments[0] != "list"
    assert (tmp_path / "runs" / "default" / "report" / "index.html").is_file()
