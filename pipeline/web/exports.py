"""What was converted, kept for a while, so that the page's links can fetch it as PDF, EPS, PNG or DXF."""

from __future__ import annotations

import secrets
import threading
from collections import OrderedDict

BYTES = 256_000_000
"""Bytes of SVG kept at most; the oldest go first."""


class Shelf:
    """SVGs by a token that nobody can guess. Safe to use from many threads."""

    def __init__(self, most: int = BYTES) -> None:
        self._most = most
        self._held = 0
        self._svgs: OrderedDict[str, str] = OrderedDict()
        self._lock = threading.Lock()

    def put(self, svg: str) -> str:
        """Keep an SVG; returns its token."""
        token = secrets.token_urlsafe(18)
        with self._lock:
            self._svgs[token] = svg
            self._held += len(svg)
            while self._held > self._most and len(self._svgs) > 1:
                self._held -= len(self._svgs.popitem(last=False)[1])
        return token

    def get(self, token: str) -> str | None:
        """The SVG, or None where it is no longer kept."""
        with self._lock:
            return self._svgs.get(token)


SHELF = Shelf()
"""The one of this process."""
