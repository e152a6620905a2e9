"""Reads a finished run through `bench.store.results` and draws: tables, grids, plots and the site."""

from reports.export.frame import export
from reports.page.site import build

__all__ = ["build", "export"]
