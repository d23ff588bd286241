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

LINK_COPY = "Copy a link to these settings"
LINK_APPLIED = "These settings come from the link that you opened."
LINK_IGNORED = "{setting} in the link is left out: {why}"
LINK_ONE_OF = "it must be one of {choices}."
LINK_NUMBER = "it must be a number from {low} to {high}."
LINK_WHOLE = "it must be a whole number from {low} to {high}."
LINK_EITHER = "colours in the link is left out: there is a palette as well."

WORKING = "On its way"
STEP_WAIT = "Waiting for its turn"
STEP = {
    "decode": "Reading the picture",
    "features": "Looking at it",
    "classify": "Looking at it",
    "route": "Choosing how to draw it",
    "choose": "Choosing how to draw it",
    "reference": "Checking it for damage",
    "trace": "Drawing",
    "measure": "Measuring the drawing",
    "default": "Drawing and measuring vtracer’s default",
}
DONE = "Done"
DONE_MEASURED = "Done: likeness {quality}"
FIRST = "First drawing"
BEST = "Best of {count} so far"
LATER = "There is a drawing, of {size}; it is shown when it is finished."
SO_FAR = "Likeness so far: {quality}"
VIEW = "View"
VIEWS = (("slider", "Slider"), ("side", "Side by side"), ("zoom", "Zoom"))
PICTURES = "The pictures"
ZOOM = "Zoom"
ZOOM_IN = "Zoom in"
ZOOM_OUT = "Zoom out"
ZOOM_FIT = "Fit"
ZOOM_CTRL = "Ctrl and "
ZOOM_HOW = "Zoom with {ctrl}the wheel, two fingers, or + and −; move by dragging or with the arrow keys; 0 fits."
DIFFERENCE = "Difference"
DIFFERENCE_LEGEND = (
    "Where this SVG differs from the input: the stronger the colour, the more. Drawn four times as strong as it is; "
    "less than 3 of 255 levels is left out."
)
DIFFERENCE_SHARE = "{percent} % of the pixels are off by 16 levels or more."
NO_DEFAULT = "vtracer’s default was not drawn for this picture, so there is nothing to show here."
GONE_DEFAULT = "vtracer’s default is no longer kept. Please convert the picture again."
NO_READING = "This browser keeps pages from reading pictures, so the difference cannot be shown."
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
SWATCH = "Change the colour {colour}"
SWATCH_HOW = "Choose a colour to change it, here and in every download."
SWATCHES_MANY = "More than {count}, too many to change one by one. The options have a number of colours to draw with."
COPY_COLOURS = "Copy all"
RESET = "Reset"
RECOLOUR_FAILED = "The colours could not be changed: "

QUALITY = "Likeness to the input"
QUALITY_UNIT = "SSIM"
OURS = "This SVG"
DEFAULT = "vtracer’s default"
PREDICTED = "Predicted for it"
NO_MODEL = "Nothing was predicted, since there is no predictor here; what you see is measured."
NOT_PREDICTED = "Nothing was predicted for this way of drawing; what you see is measured."
PREDICTED_ONLY = "The prediction could not be checked: this drawing was not measured."
PREDICTED_RIGHT = "The prediction was right to the fourth decimal."
PREDICTED_HIGH = "The prediction was {error} too high."
PREDICTED_LOW = "The prediction was {error} too low."
TO_INPUT = "Measured against the input as cleaned from damage; against the input as it came it is {quality}."
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
    "route": "route",
    "choose": "choose",
    "reference": "check for damage",
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
