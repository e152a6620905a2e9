"""Reads a finished run through `bench.results` and draws: tables, grids, plots and the site."""

from reports.longtable import export
from reports.site import build

__all__ = ["build", "export"]
