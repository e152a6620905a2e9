"""How cells are restored: in worker processes, one method each, so that a fault costs one cell.

`local` has one worker; `ray` has as many as asked for, on one machine or many. Both send pixels to a worker
and get pixels back, so a worker needs no folder of the run.
"""
