"""SRNTT's swap: every 3x3 patch of features gives way to that of a reference whose blurred form is most like it.

The search is exact over all patches of all references; what it holds at once is a table of `MOST` by `MOST`
numbers, and of the maps, one reference's at a time.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

PATCH = 3
MOST = 4096
"""How many patches are compared with how many at a time, where a row of the map has no more."""


def match(content: Tensor, conditions: Sequence[Tensor]) -> Tensor:
    """Return for each patch of the content which patch of all conditions, one after the other, is most like it.

    Similarity is the inner product with the condition's patch at unit length; of equal ones the first is taken.

    Args:
        content: features (1, C, h, w).
        conditions: of the references as they would look if they were enlarged too, (1, C, h', w') each.

    Returns:
        Numbers of patches, row by row, (h - 2, w - 2).
    """
    rows, columns = (side - PATCH + 1 for side in content.shape[-2:])
    best = torch.cat([_best(own, conditions) for own in _patches(content)])
    return best.view(rows, columns)


def _best(own: Tensor, conditions: Sequence[Tensor]) -> Tensor:
    value, place, start = own.new_full((own.shape[1],), -torch.inf), torch.zeros_like(own[0], dtype=torch.long), 0
    for condition in conditions:
        for part in _patches(condition):
            likeness, index = (own.T @ F.normalize(part, dim=0)).max(1)
            better = likeness > value
            value[better], place[better] = likeness[better], index[better] + start
            start += part.shape[1]
    return place


def _patches(features: Tensor) -> Iterator[Tensor]:
    """Yield the patches (C * 9, n) of features (1, C, h, w), some rows of them at a time."""
    height, width = features.shape[-2:]
    band = max(1, MOST // (width - PATCH + 1))
    for row in range(0, height - PATCH + 1, band):
        yield F.unfold(features[..., row : row + band + PATCH - 1, :], PATCH)[0]


def swap(place: Tensor, styles: Sequence[Tensor], ratio: int) -> Tensor:
    """Return a map of the chosen patches, averaged where they overlap.

    Args:
        place: the patch for each of the content, (h - 2, w - 2).
        styles: features of the references, at `ratio` times the size of those that were matched.
        ratio: 1, 2 or 4.

    Returns:
        (1, C, ratio * h, ratio * w).
    """
    columns, channels = place.shape[1], styles[0].shape[1]
    height, width = (side + PATCH - 1 for side in place.shape)
    total, start = styles[0].new_zeros(height * width, channels, ratio, ratio), 0
    for style in styles:
        cells, across = _cells(style, ratio), style.shape[3] // ratio
        per_row = across - PATCH + 1
        count = per_row * (style.shape[2] // ratio - PATCH + 1)
        own = ((place.flatten() >= start) & (place.flatten() < start + count)).nonzero()[:, 0]
        number = place.flatten()[own] - start
        to = own // columns * width + own % columns
        source = number // per_row * across + number % per_row
        for down, right in torch.cartesian_prod(torch.arange(PATCH), torch.arange(PATCH)).tolist():
            total.index_add_(0, to + down * width + right, cells[source + down * across + right])
        start += count
    once = total.new_ones(1, 1, *place.shape)
    times = F.conv_transpose2d(once, once.new_ones(1, 1, PATCH, PATCH))
    mean = total / times.view(-1, 1, 1, 1)
    spread = mean.view(height, width, channels, ratio, ratio).permute(2, 0, 3, 1, 4)
    return spread.reshape(1, channels, height * ratio, width * ratio)


def _cells(style: Tensor, ratio: int) -> Tensor:
    """Return the squares of `ratio` pixels of a map, row by row, (n, C, ratio, ratio)."""
    _, channels, height, width = style.shape
    split = style.view(channels, height // ratio, ratio, width // ratio, ratio)
    return split.permute(1, 3, 0, 2, 4).reshape(-1, channels, ratio, ratio)
