"""Contact sheets of conversions that the referee scored: what a person sees on zooming.

    python -m benchmarks.contact_sheet --condition 512 --name ours-t1 --which worst

Two rows of panels a case: input, ours, vtracer's default, the artist's, and where ours differs from the artist's (the
darker the more); above the whole picture, below eight times the input's size at the place of the largest difference.
Written to build/sheets.
"""

from __future__ import annotations

import argparse
import re
import zlib
from pathlib import Path

import cv2
import numpy as np

from pipeline.picture import load
from pipeline.trace.vtracer import raw_default

from . import dev_set

PANEL = 256
"""Side of a panel, px."""
ZOOM = 8
GAP = 4
A_SHEET = 4
"""Cases on a sheet."""
GROUNDS = {"rgba": 150}
"""Grey that transparency is shown over; white elsewhere."""

_VIEW_BOX = re.compile(r'viewBox="([^"]*)"')


def render_part(svg: str, part: tuple[float, float, float, float], width: int, height: int, ground: int) -> np.ndarray:
    """Render a part of an SVG, given as x, y, width and height in fractions of it: BGR uint8 (height, width, 3)."""
    referee = dev_set.referee("score")
    fitted = dev_set.referee("cases").fit(svg, width, height)
    x, y, w, h = (float(number) for number in re.split(r"[\s,]+", _VIEW_BOX.search(fitted)[1].strip()))
    box = f'viewBox="{x + part[0] * w} {y + part[1] * h} {part[2] * w} {part[3] * h}"'
    return referee.over(referee.render(_VIEW_BOX.sub(box, fitted, count=1), width, height), ground)


def panels(case: dev_set.Case, ours: str) -> np.ndarray:
    """The two rows of a case, BGR uint8."""
    referee = dev_set.referee("score")
    ground = GROUNDS.get(case.condition, 255)
    picture = referee.over(referee.picture(str(case.path)), ground)
    height, width = picture.shape[:2]
    drawings = (ours, raw_default(load(case.path)), case.truth.read_text())
    whole = (0.0, 0.0, 1.0, 1.0)
    at = referee.size(case.aspect, 1024)
    mine, true = (render_part(svg, whole, *at, ground) for svg in (ours, drawings[2]))
    differs = np.abs(mine.astype(np.float32) - true).max(axis=2)
    y, x = np.unravel_index(int(cv2.blur(differs, (25, 25)).argmax()), differs.shape)
    side = PANEL / ZOOM
    pw, ph = min(1.0, side / width), min(1.0, side / height)
    px = float(np.clip(x / at[0] - pw / 2, 0, 1 - pw))
    py = float(np.clip(y / at[1] - ph / 2, 0, 1 - ph))
    rows = []
    for part in (whole, (px, py, pw, ph)):
        shape = (part[2] * width, part[3] * height)
        scale = PANEL / max(shape)
        w, h = (max(1, round(side * scale)) for side in shape)
        drawn = [render_part(svg, part, w, h, ground) for svg in drawings]
        left, top = round(part[0] * width), round(part[1] * height)
        crop = picture[top : top + max(1, round(shape[1])), left : left + max(1, round(shape[0]))]
        shown = cv2.resize(crop, (w, h), interpolation=cv2.INTER_NEAREST if scale > 1 else cv2.INTER_AREA)
        gone = np.abs(drawn[0].astype(np.float32) - drawn[2]).max(axis=2)
        difference = np.repeat((255 - np.minimum(255, 3 * gone)).astype(np.uint8)[..., None], 3, axis=2)
        rows.append(np.hstack([_panel(image) for image in (shown, *drawn, difference)]))
    marked = rows[0]
    scale = PANEL / max(width, height)
    ox, oy = GAP, GAP
    corner = (ox + round(px * width * scale), oy + round(py * height * scale))
    opposite = (corner[0] + round(pw * width * scale), corner[1] + round(ph * height * scale))
    cv2.rectangle(marked, corner, opposite, (0, 0, 255), 1)
    return np.vstack(rows)


def _panel(image: np.ndarray) -> np.ndarray:
    out = np.full((PANEL + 2 * GAP, PANEL + 2 * GAP, 3), 200, np.uint8)
    out[GAP : GAP + image.shape[0], GAP : GAP + image.shape[1]] = image
    return out


def _title(text: str, width: int) -> np.ndarray:
    out = np.full((22, width, 3), 60, np.uint8)
    cv2.putText(out, text, (6, 16), cv2.FONT_HERSHEY_SIMPLEX, 0.45, (255, 255, 255), 1, cv2.LINE_AA)
    return out


def chosen(rows: dict[str, dict], which: str, by: str, count: int) -> list[str]:
    """Names of the worst, the best or some random cases by a score."""
    if which == "random":
        return sorted(rows, key=lambda name: zlib.crc32(name.encode()))[:count]
    loss = {
        "ssim": lambda row: 1 - row["ssim"],
        "de00": lambda row: row["de00"],
        "params": lambda row: row["params"] / max(row["params_truth"], 1),
        "seam": lambda row: row["seam"],
    }[by]
    return sorted(rows, key=lambda name: loss(rows[name]), reverse=which == "worst")[:count]


def main() -> None:
    """Write the sheets and print their names."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--condition", default="512", choices=dev_set.CONDITIONS)
    parser.add_argument("--name", default="ours-t1", help="engine that the referee scored (%(default)s)")
    parser.add_argument("--which", default="worst", choices=("worst", "best", "random"))
    parser.add_argument("--by", default="ssim", choices=("ssim", "de00", "params", "seam"))
    parser.add_argument("--count", type=int, default=12, help="cases (%(default)s)")
    parser.add_argument("--cases", help="names separated by commas, instead of --which")
    parser.add_argument("--out", type=Path, default=dev_set.REPOSITORY / "build" / "sheets")
    options = parser.parse_args()
    rows = dev_set.scores(options.name, options.condition)
    if not rows:
        parser.error(f"{options.name} was not scored on {options.condition}: run benchmarks.referee first.")
    cases = {case.name: case for case in dev_set.cases(options.condition)}
    names = options.cases.split(",") if options.cases else chosen(rows, options.which, options.by, options.count)
    options.out.mkdir(parents=True, exist_ok=True)
    label = "chosen" if options.cases else f"{options.which}-{options.by}"
    for first in range(0, len(names), A_SHEET):
        parts: list[np.ndarray] = []
        for name in names[first : first + A_SHEET]:
            row = rows[name]
            svg = (dev_set.root() / "svg" / options.name / options.condition / f"{name}.svg").read_text()
            image = panels(cases[name], svg)
            text = f"{name}  SSIM@1024 {row['ssim']:.4f}  dE00 {row['de00']:.3f}"
            text += f"  params {row['params']} / {row['params_truth']}"
            parts += [_title(text, image.shape[1]), image]
        path = options.out / f"{options.name}-{options.condition}-{label}-{first // A_SHEET + 1}.png"
        cv2.imwrite(str(path), np.vstack(parts))
        print(path)


if __name__ == "__main__":
    main()
