"""SVG → pixels by resvg. Renders our own SVG only: resvg reads local files that an SVG from elsewhere may name."""

from __future__ import annotations

import cv2
import numpy as np
import resvg_py

from .errors import TraceFailed


def render(svg: str, width: int, height: int) -> np.ndarray:
    """Render an SVG that has a viewBox, stretched to exactly ``width × height``.

    Returns
    -------
    (height, width, 4) uint8
        sRGB, straight alpha.

    Raises
    ------
    TraceFailed
        resvg refused the SVG.
    """
    svg = svg.replace("<svg", '<svg preserveAspectRatio="none"', 1)
    start = svg.index("<svg")
    end = svg.index(">", start)
    head = svg[start:end]
    for name, value in (("width", width), ("height", height)):
        before, found, after = head.partition(f' {name}="')
        if found:
            head = f'{before} {name}="{value}"{after[after.index(chr(34)) + 1 :]}'
    try:
        png = bytes(resvg_py.svg_to_bytes(svg_string=head + svg[end:], width=width, height=height))
    except BaseException as error:  # a Rust panic is a BaseException
        if isinstance(error, (KeyboardInterrupt, SystemExit)):
            raise
        raise TraceFailed(f"The SVG cannot be rendered ({error}).") from None
    bgra = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_UNCHANGED)
    if bgra is None:
        raise TraceFailed("The rendered SVG cannot be decoded.")
    if bgra.ndim == 2:
        return cv2.cvtColor(bgra, cv2.COLOR_GRAY2RGBA)
    return cv2.cvtColor(bgra, cv2.COLOR_BGR2RGBA if bgra.shape[2] == 3 else cv2.COLOR_BGRA2RGBA)
