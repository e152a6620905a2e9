"""`python -m methods.shared.training glean --out DIR`: `bench train`, for `accelerate launch -m`."""

import sys

from bench.cli import main

if __name__ == "__main__":
    sys.argv.insert(1, "train")
    main()
