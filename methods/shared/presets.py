"""The two presets of the methods that optimise for each image."""

from typing import Literal

Preset = Literal["fast", "paper"]
"""`fast`: an image a minute on a CPU. `paper`: the published steps, in a search all with the full bank."""
