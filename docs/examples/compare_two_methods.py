"""Compare two methods on sampled faces, from Python: restore, score, read the results, draw the page and a figure.

python docs/examples/compare_two_methods.py
"""

import bench


def main() -> None:
    run = bench.run(
        methods=["nearest", "bicubic"],
        categories=["faces"],
        factors=[16, 32],
        images=2,
        metrics=["psnr", "ssim"],
        out="runs/example",
    )
    frame = bench.read_results("runs/example")
    print(frame[frame.metric == "psnr"].pivot_table(index="method", columns="factor", values="value"))
    print(bench.report([run]))
    print(*bench.figure([run], "runs/example/figure.pdf", images=["0000"]))
    bench.export(run, "runs/example/leaderboard.tex")


if __name__ == "__main__":
    main()
