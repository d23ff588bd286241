"""Truecurve: raster pictures to the SVG their artist could have drawn.

>>> from pipeline import Converter
>>> Converter().convert("logo.png").svg  # doctest: +SKIP
'<svg xmlns=…'
"""

from . import compiled as _compiled  # noqa: F401  numba is told where to keep its files before there is anything to keep
from .config import VERSION as __version__
from .convert import Analysis, Request, Result
from .converter import Converter
from .errors import BadPicture, BadSetting, Busy, Cancelled, ModelUnavailable, OverTime, TraceFailed, VectorizeError
from .picture import Picture
from .plan import RECIPES, Finish, Plan

__all__ = [
    "Analysis",
    "BadPicture",
    "BadSetting",
    "Busy",
    "Cancelled",
    "Converter",
    "Finish",
    "ModelUnavailable",
    "OverTime",
    "Picture",
    "Plan",
    "RECIPES",
    "Request",
    "Result",
    "TraceFailed",
    "VectorizeError",
    "__version__",
]
