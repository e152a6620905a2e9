from pathlib import Path

import pandas as pd

from bench.assets.declare import Address as Address
from bench.assets.declare import Asset as Asset
from bench.assets.declare import ByHand as ByHand
from bench.assets.declare import Wheel as Wheel
from bench.assets.fetch import fetch as fetch
from bench.assets.fetch import is_here as is_here
from bench.base.bank import Bank as Bank
from bench.base.bank import FeatureHook as FeatureHook
from bench.base.bank import Latents as Latents
from bench.base.bank import Synthesis as Synthesis
from bench.base.errors import AssetError as AssetError
from bench.base.errors import BenchError as BenchError
from bench.base.errors import ImageError as ImageError
from bench.base.errors import MethodError as MethodError
from bench.base.errors import Unavailable as Unavailable
from bench.base.errors import UsageError as UsageError
from bench.base.method import Method as Method
from bench.base.metric import Better as Better
from bench.base.metric import ImageMetric as ImageMetric
from bench.base.metric import SetFeatures as SetFeatures
from bench.base.metric import SetMetric as SetMetric
from bench.base.metric import SetValue as SetValue
from bench.base.source import Source as Source
from bench.base.types import Batch as Batch
from bench.base.types import Category as Category
from bench.base.types import Cell as Cell
from bench.base.types import Needs as Needs
from bench.base.types import Pixels as Pixels
from bench.base.types import Restored as Restored
from bench.base.types import Size as Size

__version__: str

def read_results(run: str | Path) -> pd.DataFrame: ...
