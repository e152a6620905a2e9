"""`bench export`: every value of a run as one long table, or its leaderboards as LaTeX."""

from pathlib import Path

from bench.base.errors import UsageError
from bench.base.files import write_atomically
from bench.store.results import Run
from reports.data.comparison import Comparison
from reports.data.leaderboard import Leaderboards
from reports.data.scores import Scores
from reports.data.significance import Significance
from reports.export.csv_tables import leaderboard_csv, long_csv, long_table, significance_csv
from reports.export.latex import leaderboard_latex
from reports.export.markdown import leaderboard_markdown

__all__ = ["export", "export_tables"]


def export(run: Run, path: Path) -> None:
    """Write a run's values to a file whose suffix says how.

    `.csv` and `.parquet` hold one row a value (and one a cell without any) at full precision, with a column
    `repeat` when cells were restored more than once; `.tex` holds the leaderboards with `booktabs` rules.

    Raises:
        bench.base.errors.UsageError: for any other suffix.
    """
    comparison = Comparison((run,))
    match path.suffix.lower():
        case ".csv":
            content = long_csv(comparison.frame)
        case ".parquet":
            content = long_table(comparison.frame).to_parquet(index=False)
        case ".tex":
            content = leaderboard_latex(Leaderboards(comparison, Scores(comparison)).every).encode()
        case suffix:
            raise UsageError(
                f"{path} cannot be exported", got=suffix or "no suffix", expected=".csv, .parquet or .tex"
            )
    write_atomically(path, content)


def export_tables(leaderboards: Leaderboards, significance: Significance, folder: Path) -> list[str]:
    """Write the files beside a page, with the digits that it prints: leaderboards, tests and all values.

    Returns:
        The files' names.
    """
    files = {
        "leaderboard.csv": leaderboard_csv(leaderboards).encode(errors="replace"),
        "leaderboard.md": leaderboard_markdown(leaderboards.every).encode(errors="replace"),
        "leaderboard.tex": leaderboard_latex(leaderboards.every).encode(errors="replace"),
        "statistics.csv": significance_csv(significance).encode(errors="replace"),
        "results.csv": long_csv(leaderboards.comparison.frame),
    }
    for name, content in files.items():
        write_atomically(folder / name, content)
    return list(files)
