"""The words of the compare tab."""

from __future__ import annotations

TITLE = "Every way, side by side"
LEAD = "One picture by vtracer’s defaults and by each tier, with nothing held back: what more effort buys."
EMPTY = "No picture yet. Convert one first, or give one here."
NAMES = {"default": "vtracer’s default", "1": "Tier 1", "2": "Tier 2", "3": "Tier 3"}
SHORT = {"default": "vtracer", "1": "1", "2": "2", "3": "3"}
ABOUT = {
    "default": "What the plain tracer gives.",
    "1": "One drawing, by what suits such pictures.",
    "2": "A few drawings, the best kept.",
    "3": "As tier 2, then step by step further.",
}
WAITING = "Waiting"
TRACING = "Tracing…"
QUALITY = "Likeness"
PREDICTED = "Predicted"
NO_MODEL = "no model yet"
NOT_PREDICTED = "not predicted"
NOT_MEASURED = "not measured"
BYTES = "Size"
PATHS = "Paths"
TIME = "Time"
TRIED = "Drawings tried"
BEST = "Not beaten"
BEST_HOW = "No other is closer and at least as quick, nor closer and at least as small"
DOWNLOAD = "Download"
DOWNLOAD_LABEL = "Download the SVG of {name}"
USE = "Tune this"
USE_LABEL = "Open the settings of {name} in the tune tab"
ALT = "{name}: the drawing"
SAME = "Drawn as tier {tier} does: what it would go on by is not installed."

FRONT = "What is worth its price"
FRONT_HOW = "Lower is closer, further left is cheaper. The line joins what nothing beats in both."
ERROR_AXIS = "error (1 − SSIM)"
TIME_AXIS = "seconds until the drawing was chosen"
BYTES_AXIS = "bytes of the SVG"
PLOT_TIME = "Error against time: {points}"
PLOT_BYTES = "Error against file size: {points}"
POINT = "{name}: error {error}, {cost}"
TIME_NOTE = "Time is that until the drawing was chosen: tiers 2 and 3 measure to choose, the others do not."
AGAIN = "Compare again"
