"""Let an embedded GLEAN take less, or more, of its bank's detail: a weight file whose share is shifted.

    python -m scripts.shift_share --by -1 methods/glean/weights/glean-sharp.safetensors less.safetensors
    bench run --methods 'glean,less=glean[weights=less.safetensors]' --category celeba=PATH

What lies above a quarter of the bank's size is the bank's detail, times a share that the network learns from
samples; soft photographs have less of it. The shift is added before the sigmoid, at every pixel alike.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from torch import Tensor

from methods.glean import weightfile
from methods.shared import banks

BIAS = "decoder.share.1.bias"
SHIFT = "share shifted by"
"""In the history of a weight file: all shifts since its training."""


def shift(source: Path, by: float, target: Path, bank: str | None = None) -> None:
    """Write a weight file with the share of another one shifted.

    Args:
        source: the weight file.
        by: is added to the share's logit.
        target: where to write.
        bank: the latent bank, where the file's own word for it is no name: one of a user's weights.

    Raises:
        AssetError: when the source is not a whole weight file of an embedded GLEAN, or is for another bank.
    """
    metadata = weightfile.read_metadata(source)
    network = weightfile.read(source, banks.load(bank or metadata.bank))
    weights: dict[str, Tensor] = dict(network.named_parameters())
    weights[BIAS] = weights[BIAS] + by
    history = {**metadata.history, SHIFT: metadata.history.get(SHIFT, 0.0) + by}
    target.parent.mkdir(parents=True, exist_ok=True)
    weightfile.write(target, network, weights, history)


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the arguments and write the file."""
    parser = argparse.ArgumentParser(
        prog="scripts.shift_share", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--by", type=float, required=True)
    parser.add_argument("source", type=Path)
    parser.add_argument("target", type=Path)
    parser.add_argument("--bank", help="the bank, by name or file; by default the one that the weights name")
    given = parser.parse_args(arguments)
    shift(given.source, given.by, given.target, given.bank)


if __name__ == "__main__":
    main()
