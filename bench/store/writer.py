"""Writes the database of a run: every statement that changes it but the schema."""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.base.filenames import printable
from bench.store import records
from bench.store.queries import Reader, naming_damage
from bench.store.rows import CellRow, ImageRow, InputRow, Score, SetScore

_SETTLE = """
WITH times AS (
    SELECT cell_id, metric_id, factor, category_id, scores.reason
    FROM scores JOIN metrics ON metrics.id = metric_id
    JOIN cells ON cells.id = cell_id JOIN inputs ON inputs.id = input_id JOIN images ON images.id = image_id
    WHERE metrics.name = 'seconds' AND method_id = ?
)
UPDATE scores SET value = NULL WHERE (cell_id, metric_id) IN (
    SELECT cell_id, metric_id FROM times
    WHERE reason IS NOT NULL
    AND (factor, category_id) IN (SELECT factor, category_id FROM times WHERE reason IS NULL)
)
"""

_INHERIT = """
WITH sized AS (
    SELECT cell_id, is_asked, position, category_id, cell_view.factor, width, height
    FROM cell_view JOIN inputs ON inputs.id = input_id WHERE method_id = ? AND status = 'done'
), counted AS (
    SELECT sized.*, metric_id, value FROM sized JOIN scores USING (cell_id) JOIN metrics ON metrics.id = metric_id
    WHERE metrics.name = 'gmacs'
), heirs AS (
    SELECT cell_id, category_id, factor, width, height, MIN(position) FROM sized WHERE is_asked
    GROUP BY category_id, factor, width, height
)
INSERT OR IGNORE INTO scores
SELECT heirs.cell_id, metric_id, value, NULL FROM heirs JOIN counted USING (category_id, factor, width, height)
WHERE NOT EXISTS (
    SELECT 1 FROM counted AS here WHERE here.is_asked
    AND (here.category_id, here.factor, here.width, here.height)
        = (heirs.category_id, heirs.factor, heirs.width, heirs.height)
)
"""


class Writer(Reader):
    """Writes the database of a run, inside transactions. A row that is equal already is not written again."""

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        super().__init__(connection, path)
        connection.execute("PRAGMA foreign_keys = ON")

    def create_tables(self, schema: str, version: str) -> None:
        """Write the schema into an empty database, all of it or nothing."""
        stamp = f"INSERT INTO constants VALUES ('schema', '{version}');"
        self.connection.executescript(f"BEGIN;\n{schema}\n{stamp}\nCOMMIT;")

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit everything inside at once, or nothing."""
        with naming_damage(self.path), self.connection:
            yield

    def add_constants(self, constants: Mapping[str, str]) -> None:
        """Write constants that are not there yet."""
        self.connection.executemany("INSERT INTO constants VALUES (?, ?)", constants.items())

    def record_command(self, record: Mapping[str, Any]) -> None:
        """Remember a command and where it ran; the same one again is not written again."""
        with self.transaction():
            self.insert("commands", {"record": json.dumps(record, sort_keys=True)}, or_ignore=True)

    def register_method(self, record: records.MethodRecord) -> tuple[int, str]:
        """Write a method as it is now, and return its id and slug; an edited one replaces the one of its label.

        The same method under another label is the same one, renamed, and what was asked of it stays asked.
        """
        row = {
            **record._asdict(),
            "slug": self.free_slug(record.slug, record.identity),
            "options": json.dumps(record.options, sort_keys=True),
            "training_metrics": json.dumps(record.training_metrics),
            "trained_on": json.dumps(record.trained_on),
            "is_current": True,
        }
        old = self.find("methods", row)
        if old and old["is_current"] and old["label"] != record.label:
            names = (record.label, old["label"])
            self.connection.execute("UPDATE OR IGNORE asks SET label = ? WHERE label = ?", names)
        retired = "UPDATE methods SET is_current = 0 WHERE label = ? AND identity != ? AND is_current"
        self.connection.execute(retired, (record.label, record.identity))
        return self.upsert("methods", row), str(row["slug"])

    def free_slug(self, slug: str, identity: str) -> str:
        """Return the slug that a method has already, or one that no other method has."""
        slugs = {row["identity"]: row["slug"] for row in self._rows("SELECT identity, slug FROM methods")}
        return slugs.get(identity) or (f"{slug}-{identity[:6]}" if slug in slugs.values() else slug)

    def register_category(self, record: records.CategoryRecord) -> int:
        """Write a category as it is used now and return its id."""
        return self.upsert("categories", record._asdict())

    def ask(self, label: str, category_id: int, factor: int, images: int, repeats: int) -> None:
        """Write what a command asks of a method: the first images of a category at a factor, with repeats."""
        row = {"label": label, "category_id": category_id, "factor": factor, "images": images, "repeats": repeats}
        self.insert("asks", row, or_ignore=True)

    def place_images(self, positions: Mapping[int, int | None], stamps: Mapping[int, str]) -> None:
        """Write the places of images in their category's list, and stamps of those whose content is the same."""
        places = ((position, image_id) for image_id, position in positions.items())
        self.connection.executemany("UPDATE images SET position = ? WHERE id = ?", places)
        rows = ((stamp, image_id) for image_id, stamp in stamps.items())
        self.connection.executemany("UPDATE images SET stamp = ? WHERE id = ?", rows)

    def register_metric(self, record: records.MetricRecord) -> int:
        """Write a metric and return its id; another signature is another metric.

        One from a file replaces what the file was before, with its values.
        """
        row = record._asdict() | {"better": record.better.value}
        del row["is_training_metric"]
        signature, is_file, _ = record.signature.partition("|source:")
        if is_file:
            edited = "SELECT id FROM metrics WHERE name = ? AND signature LIKE ? || '|source:%' AND signature != ?"
            tables = ("scores", "set_scores", "strangers")
            for table, key in (*((table, "metric_id") for table in tables), ("metrics", "id")):
                values = (record.name, signature, record.signature)
                self.connection.execute(f"DELETE FROM {table} WHERE {key} IN ({edited})", values)
        return self.upsert("metrics", row)

    def free_file(self, category_id: int, name: str, digest: str) -> str:
        """Return the stem of the PNGs of an image with these pixels: its name, unless others have that."""
        rows = self._rows("SELECT digest, file FROM images WHERE category_id = ? AND name = ?", category_id, name)
        files = {row["digest"]: str(row["file"]) for row in rows if row["file"]}
        return files.get(digest) or (f"{name}~{digest[:8]}" if name in files.values() else name)

    def write_image(self, row: ImageRow) -> int:
        """Write an image as its source lists it now, and return its id; its other contents stay, in no table."""
        where = "category_id = ? AND name = ? AND digest IS NOT ?"
        key = (row.category_id, row.name, row.digest)
        if row.digest is not None:
            self.connection.execute(f"DELETE FROM images WHERE {where} AND digest IS NULL", key)
        self.connection.execute(f"UPDATE images SET position = NULL WHERE {where} AND position IS NOT NULL", key)
        return self.upsert("images", row._asdict())

    def write_input(self, row: InputRow) -> int:
        """Write an input that was made, and return its id; what failed on it before is forgotten."""
        input_id = self.upsert("inputs", row._asdict())
        if row.problem is None:
            marks = ", ".join("?" * len(records.Status.failed()))
            failed = f"DELETE FROM cells WHERE input_id = ? AND status IN ({marks})"
            self.connection.execute(failed, (input_id, *records.Status.failed()))
            unmeasured = "value IS NULL AND cell_id IN (SELECT id FROM cells WHERE input_id = ?)"
            self.connection.execute(f"DELETE FROM scores WHERE {unmeasured}", (input_id,))
            sets = "value IS NULL AND category_id = (SELECT category_id FROM images WHERE id = ?)"
            self.connection.execute(f"DELETE FROM set_scores WHERE {sets}", (row.image_id,))
        return input_id

    def note_references(self, category: str, digests: Mapping[str, str]) -> None:
        """Write the digests of what methods may see beside the images of a category, by name."""
        rows = self._rows(
            "SELECT image_id, image FROM image_view WHERE category = ? AND position IS NOT NULL", category
        )
        for row in rows:
            if digest := digests.get(row["image"]):
                self.upsert("image_references", {"image_id": row["image_id"], "digest": digest})

    def write_cell(self, row: CellRow) -> int:
        """Write how a cell ended and return its id."""
        return self.upsert("cells", row._asdict())

    def write_scores(self, scores: Iterable[Score]) -> None:
        """Write values, replacing those of the same cell and metric."""
        self.connection.executemany("INSERT OR REPLACE INTO scores VALUES (?, ?, ?, ?)", scores)

    def settle_times(self, method_id: int) -> None:
        """Take a method's doubtful seconds out of its category and factor where others are beyond doubt."""
        self.connection.execute(_SETTLE, (method_id,))

    def inherit_counts(self, method_id: int) -> None:
        """Give operations that were counted in an image of no table to the first of its size that is in one."""
        self.connection.execute(_INHERIT, (method_id,))

    def delete_scores(self, cell_id: int) -> None:
        """Forget the values of a cell that ended anew, and why sets of its method had none."""
        self.connection.execute("DELETE FROM scores WHERE cell_id = ?", (cell_id,))
        sets = "value IS NULL AND method_id = (SELECT method_id FROM cells WHERE id = ?)"
        self.connection.execute(f"DELETE FROM set_scores WHERE {sets}", (cell_id,))

    def write_set_score(self, score: SetScore) -> None:
        """Write the value of a set, replacing the one of the same set and metric."""
        self.connection.execute("INSERT OR REPLACE INTO set_scores VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", score)

    def write_strangers(self, metric_id: int, record: records.StrangersRecord) -> None:
        """Write what pairs of the images of a category score, replacing what earlier ones did."""
        row = (self.category_id(record.category), metric_id, *record[3:])
        self.connection.execute("INSERT OR REPLACE INTO strangers VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)

    def note_unavailable(self, metric: records.UnavailableMetric) -> None:
        """Write why a metric cannot be had."""
        self.connection.execute("INSERT OR REPLACE INTO unavailable_metrics VALUES (?, ?, ?)", metric)

    def note_available(self, metric: str) -> None:
        """Forget that a metric could not be had."""
        self.connection.execute("DELETE FROM unavailable_metrics WHERE name = ?", (metric,))

    def upsert(self, table: str, row: Mapping[str, Any]) -> int:
        """Insert or update the row with a key and return its id."""
        old = self.find(table, row)
        if old is None:
            return self.insert(table, row)
        if any(old[name] != value for name, value in row.items()):
            changes = ", ".join(f"{name} = ?" for name in row)
            self.connection.execute(f"UPDATE {table} SET {changes} WHERE id = ?", (*row.values(), old["id"]))
        return int(old["id"])

    def insert(self, table: str, row: Mapping[str, Any], *, or_ignore: bool = False) -> int:
        """Insert a row and return its id, if it has one; with or_ignore a row of an equal key stays as it is."""
        columns, marks = ", ".join(row), ", ".join("?" * len(row))
        verb = "INSERT OR IGNORE" if or_ignore else "INSERT"
        statement = f"{verb} INTO {table} ({columns}) VALUES ({marks})"
        values = tuple(printable(value) if isinstance(value, str) else value for value in row.values())
        return int(self.connection.execute(statement, values).lastrowid or 0)
