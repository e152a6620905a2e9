"""`python -m bench.cli`, for `accelerate launch -m bench.cli train ...`."""

from bench.cli import main

if __name__ == "__main__":
    main()
