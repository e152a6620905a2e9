"""The LR operator seen from an image: which part of it the LR fixes, and what that part is.

The operator shrinks rows, then columns: y = R x C^T. R and C have full row rank, and its singular vectors are
products of theirs: those that y observes span the range of P x = (R⁺R) x (C⁺C)^T, and their components of x are
those of R⁺ y C⁺^T. With exact observations nothing else of the decomposition is needed.
"""

from __future__ import annotations

from typing import NamedTuple, Self

import torch
from torch import Tensor

from bench import Size
from bench.images.degradation import resize_matrix
from methods.shared.networks.consistency import pseudo_inverse


class Operator(NamedTuple):
    """The LR operator from one size to another."""

    inverses: tuple[Tensor, Tensor]
    """The pseudo-inverses of R (H, h) and C (W, w)."""
    projections: tuple[Tensor, Tensor]
    """R⁺R (H, H) and C⁺C (W, W)."""

    @classmethod
    def between(cls, hr: Size, lr: Size, like: Tensor) -> Self:
        """Decompose the operator in float64, once; the result has the type and place of `like`."""
        matrices = [resize_matrix(size, out) for size, out in zip(hr, lr, strict=True)]
        inverses = [pseudo_inverse(size, out) for size, out in zip(hr, lr, strict=True)]
        projections = [inverse @ matrix for inverse, matrix in zip(inverses, matrices, strict=True)]
        rows, columns, row_part, column_part = (
            torch.from_numpy(matrix).to(like) for matrix in (*inverses, *projections)
        )
        return cls((rows, columns), (row_part, column_part))

    def pseudo_inverse(self, lr: Tensor) -> Tensor:
        """Return the smallest image (N, C, H, W) whose LR is this one (N, C, h, w)."""
        rows, columns = self.inverses
        return rows @ lr @ columns.T

    def observed(self, image: Tensor) -> Tensor:
        """Return the part of an image that its LR fixes; the rest shrinks to nothing."""
        rows, columns = self.projections
        return rows @ image @ columns.T
