"""Restore one's own portraits: cut out in FFHQ's alignment, shrunk by the protocol, restored, compared.

python docs/examples/own_portraits.py FOLDER [SIDE]
"""

import sys

import bench


def main(folder: str, side: str = "1024") -> None:
    run = bench.run(
        methods=["bicubic", "glean"],
        categories=[f"me={folder}[prepare=align-face:{side},kind=faces]"],
        factors=[16],
        metrics=["psnr", "lpips"],
        out="runs/portraits",
    )
    print(run.means[["method", "factor", "metric", "mean", "n"]].to_string(index=False))
    print(bench.report([run]))


if __name__ == "__main__":
    main(*sys.argv[1:])
