"""Everything that can go wrong with a conversion, as one small tree.

::

    VectorizeError            base; every one has a `code` for programs and a message for people
    ├── BadPicture            what was given is not a picture that can be converted
    │                         codes: unreadable, not_an_image, too_large, out_of_limits
    ├── BadSetting            a plan, a tier or an option outside its range (code: bad_setting)
    ├── TraceFailed           the tracer gave up, died or ran out of memory (code: trace_failed)
    │   └── NotADrawing       a photo or a texture, which this recipe is not for (code: not_a_drawing)
    ├── ExportFailed          the SVG is there, but not in the format asked for (code: export_failed)
    ├── ModelUnavailable      a model is missing or fails its checks (code: model_unavailable)
    ├── Busy                  every worker is taken and the queue is full (code: busy)
    ├── OverTime              nothing was ready when the time was over (code: over_time)
    └── Cancelled             the caller asked to stop (code: cancelled)

Foreign errors are turned into these at one boundary each, with ``raise … from``; they become an HTTP status, an exit
status or a message in the page at the edge only.
"""

from __future__ import annotations

from typing import Literal


class VectorizeError(Exception):
    """Base of all errors that a caller is meant to handle."""

    code: str = "failed"

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message

    def __reduce__(self):
        return type(self), (self.message,)


BadPictureCode = Literal["unreadable", "not_an_image", "too_large", "out_of_limits"]


class BadPicture(VectorizeError):
    """What was given cannot be converted; `code` says which limit it breaks."""

    def __init__(self, message: str, code: BadPictureCode = "unreadable") -> None:
        super().__init__(message)
        self.code = code

    def __reduce__(self):
        return type(self), (self.message, self.code)


class BadSetting(VectorizeError):
    """A setting outside its range; the message names the range."""

    code = "bad_setting"


class TraceFailed(VectorizeError):
    """The tracer gave up, crashed its process or ran out of memory."""

    code = "trace_failed"


class NotADrawing(TraceFailed):
    """The picture has too much in it to be drawn as regions; another recipe is the right one."""

    code = "not_a_drawing"


class ExportFailed(VectorizeError):
    """The SVG could not be turned into the format asked for; the message names what is missing."""

    code = "export_failed"


class ModelUnavailable(VectorizeError):
    """A model is missing, or failed its hash, schema or golden check."""

    code = "model_unavailable"


class Busy(VectorizeError):
    """No worker became free in time; try again after `retry_after` seconds."""

    code = "busy"
    retry_after: float = 5.0


class OverTime(VectorizeError):
    """The time was over before there was anything to return."""

    code = "over_time"


class Cancelled(VectorizeError):
    """The caller asked for the conversion to stop."""

    code = "cancelled"


ERRORS: dict[str, type[VectorizeError]] = {
    cls.__name__: cls
    for cls in (BadPicture, BadSetting, TraceFailed, ExportFailed, ModelUnavailable, Busy, OverTime, Cancelled)
}
