"""Pixel repetition: shows what an LR image holds."""

from bench import Batch, Method, Restored


class Nearest(Method):
    """Repeat every pixel; the floor of every table."""

    name = "nearest"
    title = "Nearest neighbour"

    def restore(self, batch: Batch) -> Restored:
        """Repeat every pixel factor x factor times."""
        rows = batch.lr.repeat_interleave(batch.factor, dim=2)
        return Restored(rows.repeat_interleave(batch.factor, dim=3))
