"""Components of cores → inks: flat ones by colour, shaded ones as gradients, and in bands where no gradient explains them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from .cores import members
from .damage import settled
from .gradients import LINEAR, Inks, Shading, fit_shading, residual, shaded

_LEAST = 24
"""Pixels under which a component is too small to tell shading from colour."""
_PLATEAU = 0.12
"""Share of a component in exactly one colour, from which that is a flat place beside the shading rather than part of it."""
_SHARE = 0.2
"""Share of a piece from which a gradient that explains no more than that is one of its parts."""
_AGREES = 2.0
"""Levels of the worst channel up to which a pixel is explained by a gradient."""
_BLOCKS = 4
"""Blocks along the longer side of a piece in which planes of colours are sought."""
_MOST_JOINS = 16
"""Pairs of gradients that are tried as one."""


@dataclass(frozen=True, eq=False)
class Components:
    """The connected components of a picture's cores.

    Attributes
    ----------
    ids : (H, W) int32
        -1 off the cores.
    area : (n,) int64
        Pixels.
    mean : (n, 4) float32
        Premultiplied RGBA, 0–255.
    spread, deviation : (n,) float32
        Levels: range and standard deviation.
    fading : (n,) bool
        Whether a component is a steep fade of opacity, which is nothing if no gradient.
    """

    ids: np.ndarray
    area: np.ndarray
    mean: np.ndarray
    spread: np.ndarray
    deviation: np.ndarray
    fading: np.ndarray


@dataclass(frozen=True, eq=False)
class _Piece:
    """Pixels of one shading, (n,) each, their colours, (n, 4), and what explains them: a gradient, one colour, or nothing."""

    ys: np.ndarray
    xs: np.ndarray
    values: np.ndarray
    shading: Shading | None = None
    flat: bool = False

    def of(self, which: np.ndarray) -> _Piece:
        """Some of the pixels, unexplained."""
        return _Piece(self.ys[which], self.xs[which], self.values[which])

    def fitted(self, noise: float) -> _Piece:
        return replace(self, shading=fit_shading(self.xs, self.ys, self.values, noise))

    def left(self) -> float:
        assert self.shading is not None
        return residual(self.shading, self.xs, self.ys, self.values)


def find_inks(
    seen: np.ndarray, found: Components, palette_distance: float, noise: float, *, gradients: bool
) -> tuple[np.ndarray, Inks, int]:
    """The inks of the cores, the labels (H, W) of the pixels that they explain (-1 elsewhere), and how many are in bands."""
    labels = np.full_like(found.ids, -1)
    inks = Inks()
    if len(found.area) == 0:
        return labels, inks, labels.size
    large = found.area >= _LEAST
    shading = large & (found.fading | ((found.spread > 5.0 + 8 * noise) & (found.deviation > 0.8 + 2.5 * noise)))
    ink_of = np.full(len(found.area), -1, np.int32)
    colours: list[np.ndarray] = []
    for i in np.argsort(-found.area, kind="stable").tolist():
        if shading[i] or found.fading[i]:
            continue
        ink_of[i] = _nearest(colours, found.mean[i], palette_distance)
        if ink_of[i] < 0:
            ink_of[i] = len(colours)
            colours.append(found.mean[i])
    painted = np.bincount(ink_of[ink_of >= 0], found.area[ink_of >= 0], len(colours))
    for colour, area in zip(colours, painted.tolist(), strict=True):
        inks.add_flat(settled(colour, noise, area))

    banded = 0
    pieces: list[_Piece] = []
    pixels, start = members(found.ids, shading, found.area)
    for i in np.flatnonzero(shading).tolist():
        ys, xs = np.divmod(pixels[start[i] : start[i + 1]], labels.shape[-1])
        piece = _Piece(ys, xs, seen[ys, xs])
        if gradients:
            piece = piece.fitted(noise)
        if piece.shading is not None:
            pieces.append(piece)
        elif found.fading[i]:
            continue
        elif noise > 0.25 and found.deviation[i] < 6 + 3 * noise:
            ink_of[i] = inks.add_flat(found.mean[i])  # damage, not shading
        else:
            parts = _split(piece, labels.shape, noise) if gradients and noise <= 0.25 else [piece]
            for part in parts:
                if part.shading is not None:
                    pieces.append(part)
                elif part.flat:
                    colour = np.median(part.values, axis=0)
                    ink = _nearest(colours, colour, min(palette_distance, 1.5))
                    labels[part.ys, part.xs] = inks.add_flat(colour) if ink < 0 else ink
                else:
                    banded += len(part.ys)
                    _band(labels, inks, part)
    inside = found.ids >= 0
    known = np.where(inside, ink_of[np.maximum(found.ids, 0)], -1)
    labels = np.where(known >= 0, known, labels).astype(np.int32)
    pieces = _joined(pieces, noise)
    for piece in pieces:
        assert piece.shading is not None
        labels[piece.ys, piece.xs] = inks.add(piece.shading)
    if pieces:
        _claim(seen, labels, found, ~shading & ~found.fading & (found.area >= 4), inks, len(inks) - len(pieces), noise)
    return labels, inks, banded


def _nearest(colours: list[np.ndarray], colour: np.ndarray, distance: float) -> int:
    """The colour within a distance, in levels of its worst channel, that is nearest; -1 if none is."""
    if not colours:
        return -1
    away = np.abs(np.array(colours) - colour).max(axis=1)
    near = int(away.argmin())
    return near if away[near] <= distance else -1


def _split(piece: _Piece, size: tuple[int, ...], noise: float, deep: int = 3) -> list[_Piece]:
    """Parts of a piece of shading that no one gradient explains: a flat place, or what one gradient does explain; the rest.

    Shadows and lights that are painted over a part of a gradient leave the rest of it as it was.
    """
    own = _plateau(piece)
    if own is not None:
        first = replace(piece.of(own), flat=True)
    else:
        own = _most(piece, size, noise)
        if own.sum() < _LEAST:
            return [piece]
        first = piece.of(own).fitted(noise)
        if first.shading is None:
            return [piece]
    parts = []
    for which in _connected(piece, ~own, size):
        part = piece.of(which).fitted(noise)
        parts += [part] if part.shading is not None or deep == 0 else _split(part, size, noise, deep - 1)
    return [first, *parts]


def _plateau(piece: _Piece) -> np.ndarray | None:
    """Which pixels have the one colour that too many have for shading, (n,) bool."""
    key = np.rint(piece.values).astype(np.int64) @ np.array([1 << 24, 1 << 16, 1 << 8, 1])
    values, counts = np.unique(key, return_counts=True)
    return key == values[counts.argmax()] if counts.max() >= _PLATEAU * len(key) else None


def _most(piece: _Piece, size: tuple[int, ...], noise: float) -> np.ndarray:
    """Which pixels the plane of colours that the most agree with explains, and the gradient through those; (n,) bool.

    Planes are tried through the blocks of a grid laid over the piece.
    """
    x, y, v = piece.xs.astype(float), piece.ys.astype(float), piece.values.astype(float)
    limit = _AGREES + noise
    scale = max(np.ptp(x), np.ptp(y), 1.0)
    basis = np.stack([np.ones_like(x), (x - x.mean()) / scale, (y - y.mean()) / scale], 1)
    few = slice(None, None, max(1, len(x) // 3000))
    near, colours = basis[few], v[few]
    block = ((x - x.min()) / (scale + 1) * _BLOCKS).astype(int) * _BLOCKS + (
        (y - y.min()) / (scale + 1) * _BLOCKS
    ).astype(int)
    best, agreed = None, 0
    block = block[few]
    for b in np.unique(block).tolist():
        inside = block == b
        if inside.sum() < _LEAST:
            continue
        coef, *_ = np.linalg.lstsq(near[inside], colours[inside], rcond=None)
        count = int((np.abs(near @ coef - colours).max(axis=1) < limit).sum())
        if count > agreed:
            best, agreed = coef, count
    nothing = np.zeros(len(x), bool)
    if best is None:
        return nothing
    own = np.abs(basis @ best - v).max(axis=1) < limit
    for _ in range(2):
        agreeing = np.flatnonzero(own)
        some = agreeing[:: max(1, len(agreeing) // 1200)]
        shading = piece.of(some).fitted(noise).shading if len(some) >= _LEAST else None
        if shading is None:
            return nothing
        own = np.abs(shaded(shading, piece.xs, piece.ys) - v).max(axis=1) < limit
    mask = np.zeros(size, np.uint8)
    mask[piece.ys[own], piece.xs[own]] = 1
    mask = cv2.morphologyEx(mask, cv2.MORPH_OPEN, np.ones((5, 5), np.uint8))
    own = mask[piece.ys, piece.xs] > 0
    return own if own.mean() >= _SHARE else nothing


def _connected(piece: _Piece, which: np.ndarray, size: tuple[int, ...]) -> list[np.ndarray]:
    """The connected parts of some of a piece's pixels, as indices, that are large enough to tell shading from colour."""
    mask = np.zeros(size, np.uint8)
    mask[piece.ys[which], piece.xs[which]] = 1
    n, ids = cv2.connectedComponents(mask, connectivity=4)
    of = ids[piece.ys, piece.xs]
    order = np.argsort(of, kind="stable")
    return [part for part in np.split(order, np.cumsum(np.bincount(of, minlength=n))[:-1])[1:] if len(part) >= _LEAST]


def _joined(pieces: list[_Piece], noise: float) -> list[_Piece]:
    """Pieces of one gradient, such as what a bar cuts in two, as one."""
    out: list[_Piece] = []
    tries = 0
    for piece in sorted(pieces, key=lambda p: -len(p.xs)):
        for k, other in enumerate(out):
            if tries >= _MOST_JOINS or not _alike(other, piece):
                continue
            tries += 1
            both = _together(other, piece).fitted(noise)
            if both.shading is not None and both.left() <= max(1.0 + noise, 1.2 * max(other.left(), piece.left())):
                out[k] = both
                break
        else:
            out.append(piece)
    return out


def _together(a: _Piece, b: _Piece) -> _Piece:
    return _Piece(np.concatenate([a.ys, b.ys]), np.concatenate([a.xs, b.xs]), np.concatenate([a.values, b.values]))


def _alike(a: _Piece, b: _Piece) -> bool:
    """Whether two gradients have about the same axis, or the same centre."""
    assert a.shading is not None
    assert b.shading is not None
    if a.shading.kind != b.shading.kind:
        return False
    g, h = a.shading.geometry, b.shading.geometry
    if a.shading.kind == LINEAR:
        size = np.hypot(g[0], g[2]) * np.hypot(h[0], h[2])
        return bool(abs(g[0] * h[2] - g[2] * h[0]) < 0.08 * size)
    centres = [np.array([-v[4], -v[5]]) / v[0] for v in (g, h)]
    return bool(np.hypot(*(centres[0] - centres[1])) < 0.1 * max(1 / g[0], 1 / h[0]) + 2)


def _claim(
    seen: np.ndarray, labels: np.ndarray, found: Components, small: np.ndarray, inks: Inks, first: int, noise: float
) -> None:
    """Give a gradient, from ink `first` on, the nearly flat components whose every pixel it explains, in place."""
    uneven = small & (found.spread >= 1.5 + noise)
    if not uneven.any():
        return
    pixels, start = members(found.ids, uneven, found.area)
    components = np.flatnonzero(uneven)
    ys, xs = np.divmod(pixels[start[components]], labels.shape[-1])
    gradients = [shading for shading in inks.shadings[first:] if shading]
    near = np.stack([_off(shading, ys, xs, seen[ys, xs]) < _AGREES + noise for shading in gradients], axis=1)
    for i, likely in zip(components.tolist(), near, strict=True):
        if not likely.any():
            continue
        ys, xs = np.divmod(pixels[start[i] : start[i + 1]], labels.shape[-1])
        values = seen[ys, xs]
        few = slice(None, None, max(1, len(ys) // 16))
        for ink in (first + np.flatnonzero(likely)).tolist():
            shading = inks.shadings[ink]
            assert shading is not None
            if _explains(shading, ys[few], xs[few], values[few], noise) and _explains(shading, ys, xs, values, noise):
                labels[ys, xs] = ink
                break


def _explains(shading: Shading, ys: np.ndarray, xs: np.ndarray, values: np.ndarray, noise: float) -> bool:
    return bool(_off(shading, ys, xs, values).max() < _AGREES + noise)


def _off(shading: Shading, ys: np.ndarray, xs: np.ndarray, values: np.ndarray) -> np.ndarray:
    """(n,) by how many levels a gradient misses pixels' colours (n, 4), in the worst channel."""
    return np.abs(shaded(shading, xs, ys) - values).max(axis=1)


def _band(labels: np.ndarray, inks: Inks, piece: _Piece) -> None:
    """Cut shading that no gradient explains into flat bands along its main axis of colour."""
    values = piece.values
    bands = int(np.clip(round(np.ptp(values, axis=0).max() / 14), 2, 14))
    centred = values - values.mean(axis=0)
    _, _, axes = np.linalg.svd(centred[:: max(1, len(centred) // 2000)], full_matrices=False)
    place = centred @ axes[0]
    edges = np.linspace(place.min(), place.max() + 1e-3, bands + 1)
    which = np.clip(np.digitize(place, edges) - 1, 0, bands - 1)
    for b in range(bands):
        chosen = which == b
        if chosen.any():
            labels[piece.ys[chosen], piece.xs[chosen]] = inks.add_flat(values[chosen].mean(axis=0))
