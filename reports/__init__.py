"""Reads a finished run through `bench.store.results` and draws it.

`report.py` (its page in `page/`), `figure.py`, `compare.py` and `export.py` are the commands; `data/` arranges the
values, `plots/` draws them, `markup.py` writes LaTeX and Markdown, `text.py` prints names and numbers.
"""
