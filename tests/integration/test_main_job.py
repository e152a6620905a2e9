"""The main job on the real bank and networks: one sampled face, every embedded method, then the page."""

import bench as package
from bench.images.png import load_png
from tests.commands import bench

METHODS = "bicubic,esrgan,pulse[steps=4],glean"


def test_faces_are_restored_scored_and_reported(tmp_path):
    given = ["--methods", METHODS, "--category", "faces", "--factor", "64", "--images", "1"]
    done = bench(
        "run",
        *given,
        "--metrics",
        "psnr,lr_psnr,lite2",
        "--device",
        "cpu",
        "--out",
        "run",
        cwd=tmp_path,
        timeout=540,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    frame = package.read_results(tmp_path / "run")
    assert set(frame.method) == set(METHODS.split(","))
    assert (frame.status == "done").all()
    values = frame.pivot_table(index="method", columns="metric", values="value")
    assert values.loc["glean", "psnr"] > values.loc["bicubic", "psnr"]
    assert values.loc["glean", "lite2"] == values.lite2.min()
    for method in ("esrgan", "pulse-steps-4", "glean"):
        (path,) = (tmp_path / "run" / "sr").glob(f"{method}*/x64/faces/*.png")
        assert load_png(path).shape == (1024, 1024, 3)
    drawn = bench("report", "run", cwd=tmp_path)
    assert drawn.returncode == 0, drawn.stderr
    page = (tmp_path / "run" / "report" / "index.html").read_text(encoding="utf-8")
    assert "Real-ESRGAN x4plus, cascaded" in page
    assert "sampled" in page.casefold()
