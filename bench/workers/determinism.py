"""Settings that make networks give the same numbers every time, in restoring and in scoring."""

import os

import torch


def enable(threads: int | None = None) -> None:
    """Set the number of threads, and forbid what trades exactness for speed on a GPU."""
    if threads is not None:
        torch.set_num_threads(threads)
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cudnn.benchmark = False
    torch.backends.cudnn.deterministic = True


class Defaults:
    """The settings of a process that a method's code may change, as they were when this object was made."""

    def __init__(self) -> None:
        self.dtype, self.with_gradients = torch.get_default_dtype(), torch.is_grad_enabled()
        self.environment = dict(os.environ)

    def restore(self) -> None:
        """Put them back."""
        torch.set_default_dtype(self.dtype)
        torch.set_grad_enabled(self.with_gradients)
        if os.environ != self.environment:
            os.environ.clear()
            os.environ.update(self.environment)
