"""Metrics of tests, as files of a user, and what waits for a command."""

import time

from tests.conftest import write_adapter, write_photos

COLOURS = '''"""A metric of a test."""

import numpy as np

from bench.metrics.fid import Fid


class Colours(Fid):
    """The Fréchet distance of the images' mean colours: FID without its network."""

    name, signature = "colours", "colours|v1"

    def assets(self):
        return ()

    def load(self, device):
        pass

    def features(self, image):
        return image.mean((0, 1), dtype=np.float32)
'''
MEAN = r'''"""A metric of a test."""

import time

import bench


class Mean(bench.ImageMetric):
    """The mean level of an image, after a while."""

    name, signature, better, reference = "mean", "mean|v1", bench.Better.HIGHER, "none"

    def compare(self, sr, features, factor):
        with open(__file__ + ".log", "a") as log:
            log.write("one\n")
        time.sleep(0.3)
        return sr.mean()
'''


def write_work(folder, photographs, noise):
    """Write into a folder what commands of tests take: photographs, a method that adds noise, and two metrics."""
    write_photos(folder / "photographs", photographs)
    write_adapter(folder / "noisy.py", noise, name="noisy")
    (folder / "colours.py").write_text(COLOURS)
    (folder / "mean.py").write_text(MEAN)


def wait_for(happened, process, seconds=120.0):
    """Wait until something has happened, while a process lives."""
    end = time.monotonic() + seconds
    while not happened():
        assert process.poll() is None, "it has ended"
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.05)
