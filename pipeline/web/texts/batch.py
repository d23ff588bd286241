"""The words of the batch tab."""

from __future__ import annotations

DROP = "Drop pictures, a folder or a zip"
DROP_HOW = "{files} or {folder}"
CHOOSE_FILES = "choose files"
CHOOSE_FOLDER = "choose a folder"
DROP_LIMITS = (
    "Up to {files} files of {megabytes} MB each. A zip may have {entries} entries and {zip_megabytes} MB unpacked. "
    "Sub-folders are kept."
)
OPTIONS_NOTE = "These hold for the next batch."

SENDING = "Sending {done} of {total}…"
SENT = "All sent. Waiting for a place…"
STOP_SENDING = "Stop"
SEND_FAILED = "The files could not be sent. Please check your connection and try again."
TOO_MANY = "These are {count} files; the limit is {most} at a time."
NOTHING = "There is no picture in this."
BUSY = "A batch is under way. Stop it first, or wait until it is done."

PREPARING = "Getting ready"
CONVERTING = "Converting"
PACKING = "Packing the zip"
STOPPING = "Stopping"
OVER = "Done"
STOPPED = "Stopped"
NOTHING_DONE = "That did not work"
PROGRESS = "{done} of {total}"
PROGRESS_LABEL = "Pictures done"
FAILED = "{count} failed"
PASSED_OVER = "{count} other files passed over"
LEFT = "about {time} left"
LEFT_UNKNOWN = "time left not known yet"
TOOK = "in {time}"
CANCEL = "Stop"
DOWNLOAD = "Download zip"
DOWNLOAD_SIZE = "{size}"
BEHIND = "Others’ single pictures go first."
CLOSER = "Closer to the input than vtracer’s default in {count} of {total}"
ERROR_REMOVED = "{percent} of its error removed on average"
NOT_CLOSER = "As close as vtracer’s default on average"

SHOW = "Show"
SHOW_ALL = "All {count}"
SHOW_FAILED = "Failed {count}"
PAGE = "{first}–{last} of {total}"
PAGES = "Pages of the table"
PREVIOUS = "Previous"
NEXT = "Next"
FOLLOW = "Follow the work"
TABLE = "The pictures of this batch"
COLUMNS = {
    "picture": "SVG",
    "name": "Name",
    "kind": "Kind",
    "tier": "Tier",
    "predicted": "Predicted",
    "actual": "Actual",
    "default": "vtracer",
    "bytes": "Size",
    "state": "State",
}
QUALITY_NOTE = "Predicted, actual and vtracer’s default are SSIM: 1 is identical. The better of the last two is bold."
STATES = {
    "waiting": "waiting",
    "working": "converting",
    "done": "done",
    "failed": "failed",
    "stopped": "not done",
}
NO_FAILURES = "None has failed."
SVG_OF = "SVG of {name}"
SAVE = "Save the SVG of {name}"

SECONDS = "{count} s"
MINUTES = "{count} min"
HOURS = "{hours} h {minutes} min"
