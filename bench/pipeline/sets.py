"""The sets of a set metric, filled image by image while images are scored."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from bench.base.errors import one_line
from bench.base.metric import SetFeatures, SetMetric, SetValue
from bench.store.sets import CellSet
from bench.workers.score_job import Measurement


@dataclass
class _Gathered:
    """The features of a set, or why there are none."""

    features: SetFeatures
    problem: str | None = None

    def add(self, image: Measurement) -> None:
        self.problem = self.problem or image.reason
        if self.problem is None:
            self.features.add(image.value)


class Sets:
    """Sets to measure by one metric; those of the same images share what is gathered of HR.

    Images come in one order, whoever described them: so a value has the same bits for any number of workers.
    """

    def __init__(self, metric: SetMetric, groups: Sequence[CellSet]) -> None:
        self.metric = metric
        self._groups = {cell.cell_id: group for group in groups for cell in group}
        self._sr = {group[0].cell_id: _Gathered(metric.new_set()) for group in groups}
        hr = {_images(group): _Gathered(metric.new_set()) for group in groups}
        self._hr = {group[0].cell_id: hr[_images(group)] for group in groups}
        self._hr_of: dict[int, list[_Gathered]] = defaultdict(list)
        self.cells, self.images = self._groups.keys(), self._hr_of.keys()
        """The ids of what is to be described: results, and images whose HR is."""
        for images, gathered in hr.items():
            for image_id in images:
                self._hr_of[image_id].append(gathered)

    def take(
        self, image_id: int, hr: Measurement, cells: Mapping[int, Measurement]
    ) -> Iterator[tuple[CellSet, SetValue | str]]:
        """Take the features of an image and its results; yield the sets that are whole with it."""
        for gathered in self._hr_of.pop(image_id, []):
            gathered.add(hr)
        for cell_id, sr in cells.items():
            group = self._groups[cell_id]
            first = group[0].cell_id
            self._sr[first].add(sr)
            if cell_id == group[-1].cell_id:
                yield group, self._value(self._sr.pop(first), self._hr.pop(first))

    def _value(self, sr: _Gathered, hr: _Gathered) -> SetValue | str:
        if problem := sr.problem or hr.problem:
            return problem
        try:
            return self.metric.distance(sr.features, hr.features)
        except Exception as error:
            return one_line(error)


def _images(group: CellSet) -> tuple[int, ...]:
    return tuple(cell.image_id for cell in group)
