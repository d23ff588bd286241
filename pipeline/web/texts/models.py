"""Words of the models tab."""

from __future__ import annotations

TITLE = "Models"
LEAD = "What was learned from pictures, which version of it is in use here, and how well it does."

ANSWERING = "Everything is there"
REDUCED = "Working, with something missing"
STARTING = "Starting its workers"
DOWN = "Not converting at the moment"

VERSION = "Truecurve"
WORKERS = "Workers"
WORKERS_VALUE = "{alive} of {count}"
WORKERS_NOTE = "{busy} busy, {waiting} waiting"
RESTARTS = "Replaced"
RESTARTS_NOTE = "workers, since the start"
MEMORY = "Memory"
MEMORY_NOTE = "{server} for this server, the rest for its workers"

MISSING = "What is missing, and what is done without it"
NOTHING_MISSING = "Nothing is missing."

STATES = {
    "serving": "In use",
    "ready": "There, not asked for yet",
    "fallback": "Stands in for another version",
    "missing": "Missing",
}
DOES = {
    "classifier": "Tells what kind of picture it is, and how sure that is.",
    "class-plans": "The tracer’s settings that suit each kind of picture.",
    "correlation": "From what is measured in a picture to settings for it, in one step.",
    "encoder": "What the predictor sees of a picture.",
    "predictor": "Foretells likeness, size and time of a drawing before it is drawn.",
    "agent": "Goes on from the best drawing, learning from what was measured.",
}
SOURCE = "From"
SOURCES = {"repository": "this repository"}
HUB_SOURCE = "the Hub, release {revision}"
SIZE = "Size"
LOADED_IN = "Loaded in"
NOT_LOADED = "not loaded yet"
NO_VERSION = "none"
FIGURES = "Figures from its card"
NO_FIGURES = "Its card has no figures."
FIGURE = "Figure"
VALUE = "Value"

CHOOSE = "Version for you"
CHOOSE_LABEL = "Version of {name} for you"
CHOOSE_SERVED = "{version}, as for everybody"
CHOOSE_OTHER = "{version}"
ONE_VERSION = "This is the only version here."
CHOSEN = "{version} for you"
CHOOSE_NOTE = (
    "Your choice is for the pictures that you convert on this page, until you reload it. Nobody else is affected."
)
NOT_THERE = "Version {version} of {name} is not here."

HUB = "Release"
HUB_NONE = (
    "No release is followed: the models are those of the repository. Whoever runs this server can name one, as"
    " TRUECURVE_MODELS=owner/name@v1."
)
HUB_IN_USE = "Release {revision} of {repository} is in use."
HUB_REFRESH = "Ask the Hub again"
HUB_ASKING = "Asking the Hub. This may take a minute; conversions go on."
HUB_SOON = "The Hub was asked a moment ago. Please try again in a minute."
LOOK = "Look again"
LOOKING = "Looking…"
