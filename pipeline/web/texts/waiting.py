"""Words about the queue. `{}` fields are filled in by the page's script."""

from __future__ import annotations

NEXT = "You are next."
AHEAD_ONE = "1 picture is ahead of you."
AHEAD = "{count} pictures are ahead of you."
SOON = "About {seconds} s."
FULL = "Too many pictures are waiting, so this one was not taken. Please try again in a few seconds."
