"""Random numbers that depend on a key alone: no order, no batch size, no shared state.

Each draw has its own Philox key, (domain, index), so a held-out sample can never be a training sample: the keys
differ by construction, whatever the index.
"""

import hashlib
from enum import IntEnum

import numpy as np
import numpy.typing as npt


class Domain(IntEnum):
    """Who draws. Two domains share no key."""

    HELD_OUT = 0
    """The embedded categories: what methods are compared on."""
    TRAINING = 1
    """Everything that is trained: GLEAN, encoders, rivals."""
    FITTING = 2
    """Statistics of a bank: its mean latent, the surrogate heads."""
    VALIDATION = 3
    """What a training watches and may stop on."""


def normal(domain: Domain, index: int, shape: tuple[int, ...]) -> npt.NDArray[np.float32]:
    """Draw standard normal float32 numbers of one key."""
    bits = np.random.Philox(key=np.array([int(domain), index], dtype=np.uint64))
    return np.random.Generator(bits).standard_normal(shape, dtype=np.float32)


def uniform(domain: Domain, index: int, low: float, high: float) -> float:
    """Draw one uniform number of one key, from another counter than `normal` uses."""
    bits = np.random.Philox(key=np.array([int(domain), index], dtype=np.uint64), counter=1 << 128)
    return float(np.random.Generator(bits).uniform(low, high))


def image_seed(run_seed: int, lr_digest: str, repeat: int = 0) -> int:
    """Return the seed of one image: 63 bits from the run's seed, the LR pixels and the repeat."""
    text = f"{run_seed}|{lr_digest}|{repeat}".encode()
    return int.from_bytes(hashlib.sha256(text).digest()[:8], "big") >> 1
