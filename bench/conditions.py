"""The conditions under which networks run, in restoring and in scoring: the same numbers every time."""

from __future__ import annotations

import torch


def fix(threads: int | None = None) -> None:
    """Set the number of threads, and forbid what trades exactness for speed on a GPU."""
    if threads is not None:
        torch.set_num_threads(threads)
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cudnn.benchmark = False
    torch.backends.cudnn.deterministic = True
