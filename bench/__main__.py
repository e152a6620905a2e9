"""`python -m bench`, for `accelerate launch -m bench train ...`."""

from bench.cli import main

if __name__ == "__main__":
    main()
