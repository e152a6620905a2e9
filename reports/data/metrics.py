"""How tables, plots and the page name a metric and its direction, and which metrics stand for what."""

from collections.abc import Sequence
from typing import NamedTuple

from bench.base.metric import Better
from bench.store.results import MetricRecord

_DISTORTION = ("psnr", "ssim")
_PERCEPTION = ("lpips", "lite2", "lpips_vgg", "lpips_squeeze", "haarpsi", "ms_ssim")
_IDENTITY = ("arcface", "dlib")


class Headline(NamedTuple):
    """The metrics that stand for distortion, perception and identity; None where there is no such metric."""

    distortion: MetricRecord | None
    perception: MetricRecord | None
    identity: MetricRecord | None

    @property
    def present(self) -> list[MetricRecord]:
        """Those that there are."""
        return [metric for metric in self if metric]


def headline(metrics: Sequence[MetricRecord]) -> Headline:
    """Choose the headline metrics."""
    return Headline(*(first_of(names, metrics) for names in (_DISTORTION, _PERCEPTION, _IDENTITY)))


def first_of(names: Sequence[str], metrics: Sequence[MetricRecord]) -> MetricRecord | None:
    """Return the first metric of these names; a training metric only when there is no other."""
    by_name = {metric.name: metric for metric in metrics}
    present = [by_name[name] for name in names if name in by_name]
    return next(iter([metric for metric in present if not metric.is_training_metric] + present), None)


def is_lower_better(metric: MetricRecord) -> bool:
    """Whether the smaller value of two is the better one."""
    return metric.better is Better.LOWER


def arrow(metric: MetricRecord) -> str:
    """Return the arrow of the better direction."""
    return "↓" if is_lower_better(metric) else "↑"


def marked_title(metric: MetricRecord) -> str:
    """Return what tables call a metric, with † when it is a training metric."""
    return f"{metric.title}{'†' if metric.is_training_metric else ''}"


def heading(metric: MetricRecord) -> str:
    """Return the head of a metric's column: title, † and arrow."""
    return f"{marked_title(metric)} {arrow(metric)}"
