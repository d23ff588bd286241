"""Every word of the page, in one folder: what tabs share and the convert tab here, each other tab in a module of its own.

`{}` fields are filled in by the tabs.
"""

from __future__ import annotations

TITLE = "Truecurve"
TAGLINE = "Pixels in, curves out"
LEAD = "Drop a logo, an icon or a drawing. Get the SVG its artist could have drawn, and see how close it came."

TABS = {
    "convert": "Convert",
    "compare": "Compare",
    "tune": "Tune",
    "batch": "Batch",
    "models": "Models",
    "code": "Code",
}

DROP = "Drop a picture"
DROP_ANOTHER = "Drop another picture"
DROP_HOW = "paste it, or <u>choose a file</u>"
DROP_LIMITS = "PNG, JPEG, WebP, GIF or BMP, up to {megabytes} MB. Transparency is kept."
DROP_LABEL = "Picture to convert"
EXAMPLES = "Or try one of these"

OPTIONS = "Options"
TIER = "Effort"
TIER_INFO = "Auto picks what meets the quality within the time."
TIERS = (("Auto", "auto"), ("1 Fast", "1"), ("2 Better", "2"), ("3 Best", "3"))
TARGET = "Target quality"
TARGET_INFO = "SSIM, where 1 is identical"
BUDGET = "Time budget"
BUDGET_INFO = "Seconds"
BACKGROUND = "Background"
BACKGROUND_INFO = "Drop leaves out a plain background."
BACKGROUNDS = (("Keep", "keep"), ("Drop", "drop"))
PRESET = "Made for"
PRESETS = (("Logo", "logo"), ("Icon", "icon"), ("Photo", "photo"), ("Plotter", "plotter"))
PRESET_INFO = "Sets the options below; each can be changed."
COLOURS = "Colours"
COLOURS_INFO = "Exactly so many. 0: as many as it has."
PALETTE = "Palette"
PALETTE_INFO = "Only these, such as #000, #d1006c."
PALETTE_EMPTY = "the picture’s own"
GROUPING = "Grouping"
GROUPING_INFO = "What an editor sees as one."
GROUPINGS = (("Compact", "compact"), ("Shape", "shape"), ("Colour", "colour"), ("Layer", "layer"))
DETAIL = "Detail"
DETAIL_INFO = "Low draws fewer, simpler shapes."
DETAILS = (("Low", "low"), ("Normal", "normal"), ("High", "high"))
GAP_FILLER = "Fill gaps"
GAP_FILLER_INFO = "Thin lines beneath, for programs that show gaps."
OPTIONS_NOTE = "A change converts the picture again."

WORKING = "Tracing {name}…"
VIEW = "View"
SLIDER = "Slider"
SIDE = "Side by side"
GROUND = "Ground"
GROUNDS = (("checker", "Checkerboard"), ("white", "White"), ("black", "Black"))
COMPARE = "Move the line between the input and the SVG"
INPUT = "Input"
OUTPUT = "SVG"
COPY = "Copy SVG"
COPIED = "Copied"
DOWNLOAD = "Download SVG"
MORE_FORMATS = "Other formats"
FORMATS = (("PDF", "pdf"), ("EPS", "eps"), ("PNG", "png"), ("DXF", "dxf"))
SWATCHES = "Colours"
SWATCH_COPY = "Copy {colour}"

QUALITY = "Likeness to the input"
QUALITY_UNIT = "SSIM"
OURS = "This SVG"
DEFAULT = "vtracer’s default"
PREDICTED = "Predicted"
NO_MODEL = "no model yet"
NOT_MEASURED = "not measured"
BETTER = "{percent} less error than vtracer’s default"
EVEN = "As close as vtracer’s default"
WORSE = "{percent} more error than vtracer’s default"
SCALE_NOTE = "Bars show the error that is left: shorter is closer."
CLASS = "Kind"
CLASSES = {"simple": "Simple", "text": "Text", "gradient": "Gradient", "complex": "Complex"}
SURE = "{percent} sure"
SIZE = "File size"
SIZE_VS = "{percent} of the default’s"
PATHS = "Paths"
NUMBERS = "{count} numbers"
TIME = "Time"
TIME_NOTE = "measuring included"
CHOSEN = "How it was drawn"
TIER_SHORT = "Tier {tier}"
DEGRADED = "What did not go as it should"
STAGES = "Time by stage"
STAGE = {
    "decode": "read",
    "features": "look",
    "classify": "sort",
    "trace": "trace",
    "default": "trace and measure the default",
    "measure": "measure",
}

ERROR = "That did not work"
GONE = "The picture is no longer here. Please choose it again."
UNEXPECTED = "Something broke on our side. Your picture may be fine; please try again."
NO_LINKS = "Links are not fetched. Please send the picture itself."
NO_PICTURE = "Please send a picture."
HINTS = {
    "not_an_image": "Save it as PNG or JPEG and try again. SVG files are vectors already.",
    "unreadable": "It may have been cut off on its way here. Try opening and saving it anew.",
    "too_large": "Scale it down, or save it as JPEG.",
    "out_of_limits": "Scale it down first; an SVG has no use for that many pixels.",
    "busy": "Many people are converting right now. Please try again in a few seconds.",
    "over_time": "Give it a larger time budget, or a smaller picture.",
    "trace_failed": "A smaller or less noisy picture may work.",
}

FOOTER = (
    "Pictures are deleted within two hours. Of a conversion its numbers are kept, to learn from; its picture only if you "
    "give it with a rating."
)
FOOTER_NOTHING_KEPT = "Pictures are deleted within two hours and are never used for anything else."
LINKS = (("REST API", "docs"), ("Gradio and MCP", "?view=api"))
