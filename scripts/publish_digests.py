"""Writes the published pixel digests into a card: `python -m scripts.publish_digests faces --images 32`."""

import argparse
from pathlib import Path

from bench.base.files import write_atomically
from bench.categories.category import find_category
from bench.images.png import pixel_digest

HEADING = "\n[digests]\n"


def publish(name: str, images: int | None) -> Path:
    """Compute the digests of a category's first images and write them at the end of its card.

    Args:
        name: the category, one with a card.
        images: how many; all when None.
    """
    category = find_category(name)
    lines = [f'"{image}" = "{pixel_digest(category.read(image))}"' for image in category.list(images or 0)]
    card = category.card.file
    head = card.read_text(encoding="utf-8").partition(HEADING)[0]
    write_atomically(card, (head + HEADING + "\n".join(lines) + "\n").encode())
    return card


def main() -> None:
    """Run `publish` from the command line."""
    parser = argparse.ArgumentParser(prog="python -m scripts.publish_digests", description=publish.__doc__)
    parser.add_argument("name")
    parser.add_argument("--images", type=int)
    arguments = parser.parse_args()
    publish(arguments.name, arguments.images)


if __name__ == "__main__":
    main()
