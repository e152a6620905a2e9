"""Where cells are restored and scored: in worker processes, so that a fault costs one cell.

`worker` restores by one method, `scorer` measures by some metrics; `local` has as many as asked for on this
machine, `ray` on many. The one process that holds the run reads what goes to them and writes what comes back, so
that a worker needs no folder of it.
"""
