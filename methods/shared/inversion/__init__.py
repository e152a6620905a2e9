"""What the methods that search a bank share: the adapters' base class, the search itself, and where it starts.

A search evaluates a point with the full bank or through a surrogate of it (`methods.shared.banks.surrogate`),
which costs a few per cent. A surrogate is approximate: now and then the full bank measures by how much the
surrogate's LR is wrong at the point that was reached, and the search goes on with that difference added. Only an
image that the full bank made can be the result.
"""
