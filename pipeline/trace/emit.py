"""Shapes → SVG text: viewBox, short numbers, relative commands, nothing that is the default anyway."""

from __future__ import annotations

import numpy as np


def document(body: str, width: int, height: int, inner: tuple[float, float] | None = None) -> str:
    """An SVG of ``width × height`` px around `body`, whose coordinates run over `inner` (the same where None)."""
    w, h = inner or (width, height)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {number(w, 3)} {number(h, 3)}"'
        + ("" if abs(w * height - h * width) < 1e-6 * w * h else ' preserveAspectRatio="none"')
        + f">{body}</svg>"
    )


def number(value: float, decimals: int = 2) -> str:
    """The shortest text of a number at so many decimals: ``0.50 → .5``, ``-0.0 → 0``."""
    text = f"{value:.{decimals}f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    if text in ("-0", ""):
        return "0"
    if text.startswith("0."):
        return text[1:]
    if text.startswith("-0."):
        return "-" + text[2:]
    return text


def numbers(values, decimals: int = 2) -> str:
    """Numbers with a separator only where one is needed."""
    out: list[str] = []
    dotted = False
    for value in values:
        text = number(value, decimals)
        if out and not (text[0] == "-" or (text[0] == "." and dotted)):
            out.append(" ")
        out.append(text)
        dotted = "." in text
    return "".join(out)


def integers(values: np.ndarray, decimals: int) -> list[str]:
    """Texts of fixed-point integers, ``value / 10**decimals`` each, as `number` writes them."""
    scale = 10**decimals
    return [number(v / scale, decimals) for v in values.tolist()]


def hex_colour(rgb) -> str:
    """``#rgb`` or ``#rrggbb`` of three integers, 0–255."""
    r, g, b = (int(x) for x in rgb)
    if r % 17 == g % 17 == b % 17 == 0:
        return f"#{r // 17:x}{g // 17:x}{b // 17:x}"
    return f"#{r:02x}{g:02x}{b:02x}"


class PathData:
    """Builds the ``d`` of a path in relative commands on a fixed-point grid, so that rounding errors do not add up."""

    def __init__(self, decimals: int, scale: float = 1.0) -> None:
        self.decimals = decimals
        self.unit = 10**decimals * scale
        self.parts: list[str] = []
        self.at = self.start = (0, 0)
        self.last = ""

    def _grid(self, x: float, y: float) -> tuple[int, int]:
        return round(x * self.unit), round(y * self.unit)

    def _write(self, letter: str, values: list[int]) -> None:
        text = numbers([v / 10**self.decimals for v in values], self.decimals)
        if letter == self.last and letter != "m":
            self.parts.append(text if text[0] == "-" else " " + text)
        else:
            self.parts.append(letter + text)
        self.last = letter

    def move(self, x: float, y: float) -> None:
        """Start a subpath."""
        x, y = self._grid(x, y)
        if self.parts:
            self._write("m", [x - self.at[0], y - self.at[1]])
        else:
            self._write("M", [x, y])
        self.at = self.start = (x, y)

    def line(self, x: float, y: float) -> None:
        """A straight line."""
        x, y = self._grid(x, y)
        dx, dy = x - self.at[0], y - self.at[1]
        if not dx and not dy:
            return
        if not dy:
            self._write("h", [dx])
        elif not dx:
            self._write("v", [dy])
        else:
            self._write("l", [dx, dy])
        self.at = (x, y)

    def cubic(self, x1: float, y1: float, x2: float, y2: float, x: float, y: float) -> None:
        """A cubic Bézier curve."""
        p1, p2, p3 = self._grid(x1, y1), self._grid(x2, y2), self._grid(x, y)
        ax, ay = self.at
        self._write("c", [p1[0] - ax, p1[1] - ay, p2[0] - ax, p2[1] - ay, p3[0] - ax, p3[1] - ay])
        self.at = p3

    def arc(self, radius: float, large: bool, sweep: bool, x: float, y: float) -> None:
        """A circular arc."""
        self.elliptic(radius, radius, 0, large, sweep, x, y)

    def elliptic(self, rx: float, ry: float, angle: float, large: bool, sweep: bool, x: float, y: float) -> None:
        """An elliptical arc; the flags are written against what follows, as the grammar allows."""
        x, y = self._grid(x, y)
        if (x, y) == self.at:
            return
        d = self.decimals
        step = numbers([(x - self.at[0]) / 10**d, (y - self.at[1]) / 10**d], d)
        size = numbers([rx * self.unit / 10**d, ry * self.unit / 10**d], d)
        self.parts.append(f"a{size} {number(angle, 1)} {large:d}{sweep:d}{step}")
        self.last = "a"
        self.at = (x, y)

    def close(self) -> None:
        """Close the subpath; a last straight line back to its start is left to it."""
        self.parts.append("z")
        self.at = self.start
        self.last = "z"

    def text(self) -> str:
        """The path data."""
        return "".join(self.parts)
