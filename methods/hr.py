"""The ground truth itself: the best score that a metric can give."""

from bench import Batch, Method, MethodError, Restored


class GroundTruth(Method):
    """Return the ground truth; an upper bound, not a method."""

    name = "hr"
    group = "upper bound"
    title = "Ground truth"
    sees_hr = True

    def restore(self, batch: Batch) -> Restored:
        """Return the HR images of the batch.

        Raises:
            MethodError: when the batch brings none.
        """
        if "hr" not in batch.extras:
            raise MethodError(f"no ground truth was given with {', '.join(batch.images)}")
        return Restored(batch.extras["hr"])
