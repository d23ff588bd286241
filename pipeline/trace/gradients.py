"""Inks: flat colours, and linear and radial gradients fitted by least squares to smooth shading."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numba import njit

PROFILE = 64
"""Samples of a gradient's colour along its axis."""

FLAT, LINEAR, RADIAL = 0, 1, 2
_MOST_SAMPLES = 4000
"""Pixels of a region that a gradient is fitted to."""


@dataclass(frozen=True, eq=False)
class Shading:
    """A gradient.

    Attributes
    ----------
    kind : int
        `LINEAR` or `RADIAL`.
    geometry : (6,) float64
        The affine map of a pixel's centre ``(x, y)`` to gradient space: ``u = a·x + c·y + e``, ``v = b·x + d·y + f``;
        the place in the profile is ``u`` for a linear gradient, ``√(u² + v²)`` for a radial one, clamped to 0–1.
    profile : (PROFILE, 4) float32
        Premultiplied RGBA, 0–255, along the place.
    """

    kind: int
    geometry: np.ndarray
    profile: np.ndarray


@dataclass
class Inks:
    """What a picture is painted with, as arrays that compiled code reads."""

    kinds: list[int] = field(default_factory=list)
    means: list[np.ndarray] = field(default_factory=list)
    shadings: list[Shading | None] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.kinds)

    @property
    def colours(self) -> np.ndarray:
        """(n, 4) float32: flat colour, or the mean of a gradient's profile."""
        return np.array(self.means, np.float32).reshape(-1, 4)

    def add_flat(self, colour: np.ndarray) -> int:
        """Add a flat ink; returns its index."""
        self.kinds.append(FLAT)
        self.means.append(np.asarray(colour, np.float32))
        self.shadings.append(None)
        return len(self) - 1

    def add(self, shading: Shading) -> int:
        """Add a gradient; returns its index."""
        self.kinds.append(shading.kind)
        self.means.append(shading.profile.mean(axis=0))
        self.shadings.append(shading)
        return len(self) - 1

    def arrays(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Kinds (n,) int32, colours (n, 4), geometry (n, 6), profiles (n, PROFILE, 4), all float32."""
        n = len(self)
        geometry = np.zeros((n, 6), np.float32)
        profile = np.zeros((n, PROFILE, 4), np.float32)
        for i, shading in enumerate(self.shadings):
            if shading is not None:
                geometry[i] = shading.geometry
                profile[i] = shading.profile
        return np.array(self.kinds, np.int32), self.colours, geometry, profile


@njit(cache=True)
def ink_colour(i, x, y, kind, colour, geom, profile, out):
    """The premultiplied colour of ink i at a pixel, into out (4,)."""
    if kind[i] == 0:
        for k in range(4):
            out[k] = colour[i, k]
        return
    u = geom[i, 0] * x + geom[i, 2] * y + geom[i, 4]
    if kind[i] == 2:
        v = geom[i, 1] * x + geom[i, 3] * y + geom[i, 5]
        u = np.sqrt(u * u + v * v)
    t = min(1.0, max(0.0, u)) * (PROFILE - 1)
    j = min(int(t), PROFILE - 2)
    f = t - j
    for k in range(4):
        out[k] = profile[i, j, k] * (1 - f) + profile[i, j + 1, k] * f


def fit_shading(xs: np.ndarray, ys: np.ndarray, values: np.ndarray, noise: float) -> Shading | None:
    """The gradient that explains the shading of one region's interior, or None.

    Parameters
    ----------
    xs, ys : (n,) int
        Pixels.
    values : (n, 4) float32
        Premultiplied RGBA, 0–255.

    A linear gradient's axis is the main eigenvector of the colour gradients' covariance; a radial one's centre the point
    nearest, by least squares, to the lines along them, refined by descent on the residual. The colours along the axis are the
    mean over its bins. A gradient is kept where it leaves little, and at most half of what a flat colour leaves.
    """
    if len(xs) > _MOST_SAMPLES:
        pick = np.linspace(0, len(xs) - 1, _MOST_SAMPLES).astype(int)
        xs, ys, values = xs[pick], ys[pick], values[pick]
    fx, fy, fv = xs.astype(np.float64), ys.astype(np.float64), values.astype(np.float64)
    flat = np.sqrt(((fv - fv.mean(axis=0)) ** 2).sum(axis=1).mean())
    good = 1.0 + noise
    best: tuple[float, Shading] | None = None
    for shading in _candidates(fx, fy, fv):
        left = residual(shading, fx, fy, fv)
        if best is None or left < best[0] * 0.9:
            best = (left, shading)
        if best[0] < good:
            break
    if best is None or best[0] > min(max(2.5 + 3 * noise, 0.12 * flat), 0.5 * flat):
        return None
    return best[1]


def _candidates(fx, fy, fv):
    mx, my = fx.mean(), fy.mean()
    size = max(np.ptp(fx), np.ptp(fy), 1.0)
    x, y = (fx - mx) / size, (fy - my) / size
    # quadratic surface per channel: its gradient field tells axis and centre
    basis = np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=1)
    normal, right = basis.T @ basis, basis.T @ fv
    coef = np.linalg.solve(normal + 1e-9 * len(fx) * np.eye(6), right)
    gx = coef[1] + 2 * x[:, None] * coef[3] + y[:, None] * coef[4]
    gy = coef[2] + 2 * y[:, None] * coef[5] + x[:, None] * coef[4]
    plane = np.linalg.solve(normal[:3, :3] + 1e-9 * len(fx) * np.eye(3), right[:3])
    for field_x, field_y in ((plane[1][None], plane[2][None]), (gx, gy)):
        cov = np.array([[np.sum(field_x**2), np.sum(field_x * field_y)], [0, np.sum(field_y**2)]])
        cov[1, 0] = cov[0, 1]
        if not np.isfinite(cov).all() or np.trace(cov) < 1e-9:
            continue
        _, vectors = np.linalg.eigh(cov)
        yield _linear(fx, fy, fv, vectors[:, 1])
    # radial: minimise Σ |(p − c) × g|² over the centre
    a11, a12, a22 = np.sum(gy * gy), -np.sum(gx * gy), np.sum(gx * gx)
    b1 = np.sum(gy * (gy * x[:, None] - gx * y[:, None]))
    b2 = -np.sum(gx * (gy * x[:, None] - gx * y[:, None]))
    det = a11 * a22 - a12 * a12
    if det > 1e-6 * (a11 + a22) ** 2:
        cx, cy = (b1 * a22 - b2 * a12) / det, (a11 * b2 - a12 * b1) / det
        if abs(cx) < 3 and abs(cy) < 3:
            yield _refine_radial(fx, fy, fv, cx * size + mx, cy * size + my)


def _refine_radial(fx, fy, fv, cx, cy):
    pick = slice(None, None, max(1, len(fx) // 600))
    cx, cy = _descend(fx[pick], fy[pick], fv[pick], cx, cy, max(np.ptp(fx), np.ptp(fy)) / 8)
    return _radial(fx, fy, fv, cx, cy)


@njit(cache=True)
def _radial_residual(x, y, v, cx, cy):
    """Sum of squares that a radial gradient of 24 bins about a centre leaves."""
    bins = 24
    n = len(x)
    far = 1e-6
    for i in range(n):
        far = max(far, (x[i] - cx) ** 2 + (y[i] - cy) ** 2)
    scale = (bins - 1) / np.sqrt(far)
    weight = np.zeros(bins)
    total = np.zeros((bins, 4))
    place = np.empty(n)
    for i in range(n):
        t = np.sqrt((x[i] - cx) ** 2 + (y[i] - cy) ** 2) * scale
        place[i] = t
        j = min(int(t), bins - 2)
        f = t - j
        weight[j] += 1 - f
        weight[j + 1] += f
        for k in range(4):
            total[j, k] += (1 - f) * v[i, k]
            total[j + 1, k] += f * v[i, k]
    for j in range(bins):
        for k in range(4):
            total[j, k] /= max(weight[j], 1e-9)
    rest = 0.0
    for i in range(n):
        j = min(int(place[i]), bins - 2)
        f = place[i] - j
        for k in range(4):
            rest += (v[i, k] - total[j, k] * (1 - f) - total[j + 1, k] * f) ** 2
    return rest


@njit(cache=True)
def _descend(x, y, v, cx, cy, step):
    """Walk a radial gradient's centre to the least residual, by halving steps."""
    best = _radial_residual(x, y, v, cx, cy)
    while step > 0.5:
        moved = False
        for d in range(4):
            dx, dy = (step, 0.0) if d == 0 else ((-step, 0.0) if d == 1 else ((0.0, step) if d == 2 else (0.0, -step)))
            left = _radial_residual(x, y, v, cx + dx, cy + dy)
            if left < best - 1e-6:
                best, cx, cy, moved = left, cx + dx, cy + dy, True
        if not moved:
            step /= 2
    return cx, cy


def _linear(fx, fy, fv, axis):
    t = fx * axis[0] + fy * axis[1]
    low, high = t.min(), max(t.max(), t.min() + 1e-6)
    scale = 1 / (high - low)
    geometry = np.array([axis[0] * scale, 0, axis[1] * scale, 0, -low * scale, 0])
    return Shading(LINEAR, geometry, _profile((t - low) * scale, fv))


def _radial(fx, fy, fv, cx, cy):
    r = np.hypot(fx - cx, fy - cy)
    scale = 1 / max(r.max(), 1e-6)
    geometry = np.array([scale, 0, 0, scale, -cx * scale, -cy * scale])
    return Shading(RADIAL, geometry, _profile(r * scale, fv))


def _profile(t, fv):
    """(PROFILE, 4): mean colour by bin, straight lines over empty ones, a gentle smoothing."""
    place = t * (PROFILE - 1)
    left = np.minimum(place.astype(int), PROFILE - 2)
    f = place - left
    weight = np.bincount(left, 1 - f, PROFILE) + np.bincount(left + 1, f, PROFILE)
    grid = np.arange(PROFILE)
    known = weight > 1e-3 * weight.max()
    out = np.empty((PROFILE, 4), np.float32)
    for k in range(4):
        total = np.bincount(left, (1 - f) * fv[:, k], PROFILE) + np.bincount(left + 1, f * fv[:, k], PROFILE)
        out[:, k] = np.interp(grid, grid[known], total[known] / weight[known])
    return out


def shaded(shading: Shading, xs: np.ndarray, ys: np.ndarray) -> np.ndarray:
    """The premultiplied colours, (n, 4), of a gradient at pixels."""
    g = shading.geometry
    u = g[0] * xs + g[2] * ys + g[4]
    if shading.kind == RADIAL:
        u = np.hypot(u, g[1] * xs + g[3] * ys + g[5])
    place = np.clip(u, 0, 1) * (PROFILE - 1)
    j = np.minimum(place.astype(int), PROFILE - 2)
    f = (place - j)[:, None]
    return shading.profile[j] * (1 - f) + shading.profile[j + 1] * f


def residual(shading: Shading, xs: np.ndarray, ys: np.ndarray, values: np.ndarray) -> float:
    """Root mean square of what a gradient leaves of pixels' colours, (n, 4), in levels."""
    return float(np.sqrt(((values - shaded(shading, xs, ys)) ** 2).sum(axis=1).mean()))
