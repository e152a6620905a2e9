"""Reads a finished run through `bench.store.results` and draws it.

`report.py` is `bench report` (its page in `page/`), `figure.py`, `compare.py` and `export/` are those commands;
`data/` arranges the values, `plots/` has one file a kind of plot, `text.py` prints names and numbers.
"""
