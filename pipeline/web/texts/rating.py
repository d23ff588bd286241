"""The words of rating a result."""

from __future__ import annotations

TITLE = "How did it come out?"
UP = "Good"
DOWN = "Not good"
REASONS = {
    "up": ("Clean edges", "Right colours", "Easy to edit", "Small file"),
    "down": (
        "Edges are off",
        "Colours are off",
        "Details are lost",
        "Letters are wrong",
        "Too many shapes",
        "Too large",
    ),
}
WHY = "What is it about it?"
MORE = "Anything else?"
MORE_HINT = "No names, please."
CONSENT = "You may keep this picture, to make Truecurve better"
CONSENT_NOTE = (
    "Without your tick it is deleted like all others. Its pixels alone are kept, at up to {side} px: no file name, no place, "
    "no camera. To take it back, remove the tick and send again."
)
SEND = "Send"
THANKS = "Thank you."
THANKS_MORE = "Thank you. It is kept with the numbers of this conversion."
THANKS_PICTURE = "Thank you. The picture is kept with it."
FAILED = "That could not be sent. Please try again."
PICTURE_GONE = "Your rating is kept, but the picture is no longer here to be kept with it."
OTHER_PICTURE = "This is not the picture that was converted, so it is not kept."
