"""Rows quoted from papers: shown beside the measured ones, marked, ranked nowhere, compared with nothing."""

import hashlib
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.base.errors import UsageError, unknown
from bench.base.files import suite_datasets
from bench.base.toml import build
from reports.data.scores import Scores, Slice


@dataclass(frozen=True)
class Quoted:
    """A row of a paper's table, the numbers as they stand there."""

    method: str
    source: str
    """Where it stands: `Chan et al., CVPR 2021, table 2`."""
    category: str
    factor: int
    values: Mapping[str, Any]
    """By the name of a metric."""
    images: int | None = None
    """Over how many its means are, None when it does not say."""
    names_digest: str = ""
    """SHA-256 of the sorted names of these images, one a line; empty for any."""
    prepare: str = ""
    """How they were prepared, as a card says it; empty for any."""

    def value(self, metric: str) -> str:
        """Return a number as it was written, empty when the paper has none."""
        return str(self.values.get(metric, ""))

    @property
    def where(self) -> Slice:
        """The leaderboard that it stands in."""
        return Slice(self.category, self.factor)

    def is_of(self, names: Iterable[str], preparation: str) -> bool:
        """Whether it is about exactly these images, prepared like this."""
        digest = hashlib.sha256("\n".join(sorted(names)).encode()).hexdigest()
        return self.names_digest in ("", digest) and self.prepare in ("", preparation)


def read(path: str | Path | None, scores: Scores) -> list[Quoted]:
    """Read rows of papers: the suite's own, where a category has exactly their images, and those of a file.

    Args:
        path: a TOML file of tables `[[row]]` with method, source, category, factor and `values.METRIC`, or None.
        scores: whose metrics may have values, and in whose leaderboards rows may stand.

    Raises:
        bench.base.errors.UsageError: when it cannot be read, or no row of it is about these leaderboards.
    """
    files = sorted((suite_datasets() / "quoted").glob("*.toml"))
    rows = [row for file in files for row in read_rows(file) if row.where in scores.slices]
    if path is not None:
        rows += _relevant(read_rows(Path(path)), path, scores)
    present = {
        category.name: (
            [image.image for image in scores.comparison.images_of(category.name)],
            category.preparation,
        )
        for category in scores.comparison.categories
    }
    return [row for row in rows if row.is_of(*present[row.category])]


def read_rows(path: Path) -> list[Quoted]:
    """Read the tables `[[row]]` of a TOML file.

    Raises:
        bench.base.errors.UsageError: when it cannot be read, or a key is unknown, missing or of another type.
    """
    try:
        # A float is kept as its text: 26.80 must not become 26.8.
        content = tomllib.loads(path.read_text(encoding="utf-8"), parse_float=str)
    except (OSError, ValueError) as error:
        raise UsageError(f"quoted rows {path} cannot be read: {error}") from error
    rows = content.pop("row", [])
    if content or not isinstance(rows, list):
        raise UsageError(f"{path} holds something other than rows", got=", ".join(content), expected="[[row]]")
    return [build(Quoted, {**row, "values": row.get("values", {})}, f"a row of {path}") for row in rows]


def _relevant(rows: Sequence[Quoted], path: str | Path, scores: Scores) -> list[Quoted]:
    """Return the rows that have a leaderboard here: one file may serve several runs."""
    relevant = [row for row in rows if row.where in scores.slices]
    if rows and not relevant:
        places = [f"{where.category} {where.factor}" for where in scores.slices]
        raise unknown(f"category and factor in {path}", f"{rows[0].category} {rows[0].factor}", places)
    return relevant
