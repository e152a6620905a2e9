"""Reads a finished run through `bench.results` and draws: tables, grids, plots and the site."""
