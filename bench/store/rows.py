"""What is written to the database of a run, one record a row; what is read is in `bench.store.records`."""

from typing import NamedTuple

from bench.store.records import Status


class ImageRow(NamedTuple):
    """An image as it is written."""

    category_id: int
    name: str
    position: int | None
    """In what its source lists, from 0; None when the source does not list it, or not with this content."""
    stamp: str | None = None
    """Of its file when it was read: an equal one says that the content is equal."""
    content: str | None = None
    """The digest of its file."""
    digest: str | None = None
    """Of its pixels as prepared; None when it was not read yet, or cannot be used."""
    file: str | None = None
    width: int | None = None
    height: int | None = None
    flag: str | None = None


class InputRow(NamedTuple):
    """An input as it is written: with its pixels, or with a problem."""

    image_id: int
    factor: int
    digest: str | None = None
    width: int | None = None
    height: int | None = None
    problem: str | None = None


class CellRow(NamedTuple):
    """A cell as it is written."""

    method_id: int
    input_id: int
    repeat: int
    status: Status
    reason: str | None = None
    digest: str | None = None
    references_digest: str | None = None
    """Of what it was restored with beside the LR."""


class Score(NamedTuple):
    """One value of one cell, or why there is none."""

    cell_id: int
    metric_id: int
    value: float | None
    reason: str | None = None


class SetScore(NamedTuple):
    """One value of the images of a method, category, factor and repeat."""

    method_id: int
    category_id: int
    factor: int
    repeat: int
    metric_id: int
    value: float | None
    n: int
    note: str | None
    """A plain warning about n, or why there is no value."""
    members: str
    """A digest of the images that it was computed on."""
