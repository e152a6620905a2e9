"""The store at five million values: what a plan for a million images rests on."""

from __future__ import annotations

import time

import numpy as np
import pytest

from bench.store.results import Run
from bench.store.rows import Score
from bench.store.store import Store

IMAGES, FACTORS, METHODS, METRICS = 84_000, (16, 32, 64), 4, 5
VALUES = IMAGES * len(FACTORS) * METHODS * METRICS
GROUP = 1000
"""Values a transaction; scoring writes those of one image together, which is fewer, after far slower work."""


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    """A run of five million values, and how many were written a second."""
    root = tmp_path_factory.mktemp("store") / "run"
    with Store(root) as store:
        cells = _cells(store)
        values = np.random.default_rng(0).normal(30, 2, (METRICS, cells))
        begin = time.perf_counter()
        for metric in range(METRICS):
            for start in range(0, cells, GROUP):
                group = range(start, min(start + GROUP, cells))
                with store.transaction():
                    store.write_scores(Score(1 + k, 1 + metric, float(values[metric, k])) for k in group)
        rate = values.size / (time.perf_counter() - begin)
    return root, values, rate


def _cells(store: Store) -> int:
    write = store.connection.executemany
    with store.transaction():
        names = [f"m{k}" for k in range(METHODS)]
        write(
            "INSERT INTO methods (identity, name, label, slug, title, options, is_upper_bound, training_metrics, notes,"
            " trained_on, approach, is_current) VALUES (?, ?, ?, ?, ?, '{}', 0, '[]', '', '[]', '', 1)",
            [[name] * 5 for name in names],
        )
        write("INSERT INTO categories VALUES (1, ?, '', NULL, '', '', '', 'none', 1, NULL)", [["faces"]])
        write(
            "INSERT INTO asks VALUES (?, 1, ?, ?, 1)",
            [(n, factor, IMAGES + 1) for n in names for factor in FACTORS],
        )
        write(
            "INSERT INTO metrics VALUES (NULL, ?, ?, ?, 'higher', 'image', '', '', NULL)",
            [[f"k{k}"] * 3 for k in range(METRICS)],
        )
        digest = "0" * 64
        images = ((k, f"{k:08}", k, digest, f"{k:08}") for k in range(1, IMAGES + 1))
        write(
            "INSERT INTO images (id, category_id, name, position, digest, file, width, height)"
            " VALUES (?, 1, ?, ?, ?, ?, 1024, 1024)",
            images,
        )
        inputs = ((image, factor, digest) for image in range(1, IMAGES + 1) for factor in FACTORS)
        write("INSERT INTO inputs (image_id, factor, digest, width, height) VALUES (?, ?, ?, 64, 64)", inputs)
        count = IMAGES * len(FACTORS)
        cells = ((method, one, digest) for method in range(1, METHODS + 1) for one in range(1, count + 1))
        write("INSERT INTO cells (method_id, input_id, repeat, status, digest) VALUES (?, ?, 0, 'done', ?)", cells)
    return METHODS * count


def test_values_written_a_second(filled, report):
    _, _, rate = filled
    report("values written a second", rate, least=20_000)
    assert rate >= 20_000


def test_the_size_of_the_database(filled, report):
    root, _, _ = filled
    size = (root / "results.db").stat().st_size / 1e9
    report(f"GB of a database of {VALUES:,} values", size, most=1)
    assert size < 1


def test_the_means(filled, report):
    root, values, _ = filled
    begin = time.perf_counter()
    means = Run(root).means
    seconds = time.perf_counter() - begin
    report("seconds of all means of them", seconds, most=4)
    first = means[(means.method == "m0") & (means.factor == 16) & (means.metric == "k0")]
    expected = values[0, : IMAGES * len(FACTORS) : len(FACTORS)]
    assert first["mean"].item() == pytest.approx(expected.mean(), rel=1e-12)
    assert first["n"].item() == IMAGES
    assert len(means) == METHODS * len(FACTORS) * METRICS
    assert seconds < 4
