"""Limits and defaults that more than one module needs, each in this one place."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ASSETS = Path(os.environ.get("TRUECURVE_ASSETS", ROOT / "assets"))

CACHE = Path(
    os.environ.get("TRUECURVE_CACHE")
    or Path(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")) / "truecurve"
).absolute()
"""What is kept between runs and can be had again: pulled releases, and which versions were chosen."""

VERSION = "0.1.0"


@dataclass(frozen=True)
class Limits:
    """What a picture may be. Checked on the header, before a pixel is decoded."""

    bytes: int = 30_000_000
    pixels: int = 50_000_000
    side: int = 16_384
    work_side: int = 1024
    """Long side, in pixels, above which a picture is reduced before it is traced; the SVG keeps the original size."""


LIMITS = Limits()


@dataclass(frozen=True)
class ZipLimits:
    """What a zip of pictures may be. `ratio` is unpacked over packed bytes; `directory` the bytes of its list of entries."""

    entries: int = 200
    bytes: int = 100_000_000
    ratio: int = 100
    directory: int = 1_000_000


ZIP_LIMITS = ZipLimits()


@dataclass(frozen=True)
class BatchLimits:
    """What may be sent to be converted in one go."""

    files: int = 1_000
    zips: int = 20
    bytes: int = 1_000_000_000


BATCH_LIMITS = BatchLimits()

DEFAULT_TIER = "auto"
DEFAULT_TARGET_QUALITY = 0.98
DEFAULT_TIME_BUDGET = 1.0
"""Seconds."""

HARD_TIMEOUT = 9.0
"""Seconds after which a conversion is ended whatever its budget, so that everybody has an answer within 10."""

MEMORY_LIMIT = 1_500_000_000
"""Bytes of resident memory above which a worker is ended."""

MODELS = ("classifier", "class-plans", "correlation", "predictor", "agent")
"""What was learned and is used where it is there."""

HUB_REPOSITORY, _, HUB_REVISION = os.environ.get("TRUECURVE_MODELS", "").partition("@")
"""The repository on the Hub that releases of models are pulled from, and the tag or commit to pull; none where empty."""
