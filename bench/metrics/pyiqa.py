"""Any metric of `pyiqa` (Chen et al., IQA-PyTorch), where a user has installed it: `pyiqa:musiq`, `pyiqa:clipiqa`.

The package is for non-commercial use (PolyForm Noncommercial 1.0.0, parts S-Lab), so it is never a dependency.
Weights that a metric needs are downloaded by pyiqa itself.
"""

from importlib.metadata import PackageNotFoundError, version
from typing import Any

import torch
from torch import Tensor

from bench.base.errors import Unavailable, UsageError, one_line, unknown
from bench.base.metric import Better, ImageMetric
from bench.base.types import Pixels
from bench.images.png import to_tensor
from bench.metrics.common import check_size, finite


class Pyiqa(ImageMetric):
    """Any metric of the package pyiqa, by its name there: `pyiqa:ms_ssim`."""

    name = "pyiqa"
    better = Better.HIGHER
    signature = "pyiqa|v1"

    def __init__(self, metric: str = "") -> None:
        if not metric:
            raise UsageError("pyiqa is many metrics", expected="pyiqa:NAME, such as pyiqa:musiq")
        self.metric, self.name, self.title = metric, f"pyiqa:{metric}", f"{metric} (pyiqa)"
        try:
            self._take_over_declaration()
        except (PackageNotFoundError, ImportError) as error:
            self.missing: Exception | None = error
        else:
            self.missing = None

    def _take_over_declaration(self) -> None:
        """Take direction, range and kind of reference from pyiqa's own table.

        Raises:
            UsageError: for a name that it has not, or one of sets of images.
        """
        from pyiqa.default_model_configs import DEFAULT_CONFIGS

        if self.metric not in DEFAULT_CONFIGS:
            raise unknown("metric of pyiqa", self.metric, DEFAULT_CONFIGS)
        declared = DEFAULT_CONFIGS[self.metric]
        if declared.get("metric_mode") not in ("FR", "NR") or self.metric in ("fid", "inception_score"):
            raise UsageError(f"pyiqa:{self.metric} has no value of a single image", remedy="choose another one")
        self.better = Better.LOWER if declared.get("lower_better") else Better.HIGHER
        self.reference = "hr" if declared["metric_mode"] == "FR" else "none"
        values = str(declared.get("score_range", "not said")).replace(" ", "")
        self.signature = f"pyiqa|{version('pyiqa')}|{self.metric}|range:{values}|one-image|uint8|v1"

    def load(self, device: torch.device) -> None:
        """Build pyiqa's metric, which may download its weights; see `Metric.load`."""
        super().load(device)
        if self.missing:
            remedy = "install it, if its terms (PolyForm Noncommercial) allow your use: pip install pyiqa"
            raise Unavailable(f"metric {self.name} needs the package pyiqa", got=self.missing, remedy=remedy)
        import pyiqa

        try:
            self.network: Any = pyiqa.create_metric(self.metric, device=device)
        except Exception as error:  # whatever a download, or an architecture of pyiqa's, raises
            remedy = "get its file as pyiqa's documentation says, or connect to the network once"
            raise Unavailable(f"pyiqa cannot make {self.metric}", got=one_line(error), remedy=remedy) from error

    def features(self, reference: Pixels) -> Tensor:
        """Return HR as pyiqa takes it, (1, 3, H, W) in [0, 1]."""
        return to_tensor(reference, self.device)

    @torch.inference_mode()
    def compare(self, sr: Pixels, features: Tensor | None, factor: int) -> float:
        """Return pyiqa's value of one image."""
        image = to_tensor(sr, self.device)
        if features is None:
            return finite(self.name, self.network(image).item())
        check_size(self.name, sr, features.shape[-2:])
        return finite(self.name, self.network(image, features).item())
