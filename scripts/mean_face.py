"""Write the landmarks of the mean aligned face, which `dfdnet` takes where an LR is too small to find any.

    python -m scripts.mean_face

They are the means of dlib's 68 landmarks on faces that the embedded bank makes, which are aligned as FFHQ's; the
stream of random numbers is that of fittings, from which no category is drawn.
"""

import logging

import numpy as np
import torch

from bench.base.errors import ImageError
from bench.base.seeds import Domain
from bench.images.png import to_pixels
from bench.networks.dlib import DlibLandmarks
from methods.dfdnet.parts import MEAN_FACE, SIDE
from methods.shared import banks

FACES, TRUNCATION = 128, 0.7

log = logging.getLogger(__name__)


def main() -> None:
    """Measure and write."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    bank, finder, faces = banks.load("mobilestylegan"), DlibLandmarks(), []
    for index in range(FACES):
        with torch.inference_mode():
            image = banks.full_image(bank.synthesise(bank.sample([index], Domain.FITTING, TRUNCATION)))
        pixels = to_pixels(((image[0] + 1) / 2).clamp(0, 1))
        try:
            points = finder.points(pixels, finder.largest_face(pixels))
        except ImageError:
            continue
        faces.append((points + 0.5) * SIDE / len(pixels) - 0.5)
    mean = np.mean(faces, 0)
    np.savetxt(MEAN_FACE, mean, fmt="%.2f", delimiter=",")
    apart = np.linalg.norm(np.stack(faces) - mean, axis=2).mean()
    log.info("%d faces, their landmarks on average %.1f pixels from the mean's", len(faces), apart)


if __name__ == "__main__":
    main()
