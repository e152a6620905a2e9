"""Bicubic interpolation with the kernel that made the LR image: MATLAB's `imresize`, a = -0.5."""

from bench import Batch, Method, Restored
from methods.shared.networks.cascade import enlarge


class Bicubic(Method):
    """Interpolate with MATLAB's bicubic kernel."""

    name = "bicubic"
    title = "Bicubic"

    def restore(self, batch: Batch) -> Restored:
        """Enlarge by the factor in one step."""
        height, width = batch.lr.shape[-2:]
        return Restored(enlarge(batch.lr, height * batch.factor, width * batch.factor))
