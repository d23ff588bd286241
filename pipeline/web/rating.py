"""Rating a result: thumbs, a reason, and the picture where its owner gives it. The form below a result, and its route."""

from __future__ import annotations

from functools import partial
from html import escape
from typing import Annotated, Any, Literal

import anyio.to_thread
from fastapi import APIRouter, File, Form, UploadFile
from pydantic import BaseModel, Field

from .. import config
from ..converter import Converter
from ..errors import BadSetting
from ..serve import samples
from ..serve.samples import LONGEST_REASON, Thumb
from .api import ErrorAnswer, too_large
from .texts import rating as t

LONGEST_WORDS = 300
"""Characters of one's own words; the chosen reasons beside them fit into the rest of `LONGEST_REASON`."""


class RateAnswer(BaseModel):
    """A rating as it is kept."""

    success: Literal[True] = True
    sample: str
    thumb: Thumb
    reason: str
    picture_kept: bool = Field(description="Whether the picture is kept with it.")


def rate(
    converter: Converter, sample: str, thumb: Thumb, reason: str = "", picture: bytes | None = None
) -> dict[str, Any]:
    """Rate a conversion by its sample's id; returns the rating as it is kept.

    Parameters
    ----------
    picture
        The file that was converted, where its owner gives it; its pixels alone are kept.

    Raises
    ------
    VectorizeError
        `BadSetting` where there is no such sample, the picture is another one, or the reason is too long; `Busy` where it
        cannot be kept; what reading a picture raises.
    """
    kept = samples.store()
    pixels = None
    if picture is not None:
        if (found := kept.find(sample)) and kept.fingerprint(picture) != found.image:
            raise BadSetting(t.OTHER_PICTURE)
        if found:
            pixels = converter.workers.call(samples.pixels, picture).value
    kept.rate(sample, thumb, reason, picture=pixels)
    now = kept.find(sample)
    words = now.reason if now else ""
    return {"sample": sample, "thumb": thumb, "reason": words, "picture_kept": bool(now and now.has_picture)}


def routes(converter: Converter) -> APIRouter:
    """``POST /api/rate``."""
    router = APIRouter(prefix="/api", tags=["conversion"])
    errors: dict[int | str, dict[str, Any]] = {
        413: {"model": ErrorAnswer, "description": "The file has too many bytes."},
        422: {"model": ErrorAnswer, "description": "No such sample, another picture, or too long a reason."},
        503: {"model": ErrorAnswer, "description": "It cannot be kept at the moment."},
    }

    @router.post("/rate", responses=errors)
    async def rate_a_conversion(
        sample: Annotated[str, Form(description="`sample` of the conversion's record.", max_length=100)],
        thumb: Annotated[Thumb, Form()],
        reason: Annotated[str, Form(description=f"At most {LONGEST_REASON} characters. No names, please.")] = "",
        picture: Annotated[
            UploadFile | None,
            File(
                description="The picture that was converted, only where its owner gives it to be kept and learned from."
            ),
        ] = None,
    ) -> RateAnswer:
        """Rate a conversion. The last rating stands; one without the picture takes back a picture given earlier."""
        data = None
        if picture is not None:
            if picture.size is not None and picture.size > config.LIMITS.bytes:
                raise too_large()
            data = await picture.read()
        made = await anyio.to_thread.run_sync(partial(rate, converter, sample, thumb, reason, data))
        return RateAnswer(**made)

    return router


_THUMB = (
    '<svg viewBox="0 0 24 24" aria-hidden="true"><path d="M7 10.5 11 3c1.6 0 2.6 1.2 2.3 2.8L12.6 9h5.6c1.5 0 2.5 1.4 2.1 2.8'
    'l-1.8 6.4c-.3 1-1.2 1.8-2.3 1.8H7zM3.5 10.5H7V20H3.5z"/></svg>'
)


def rating_html(sample: str | None, url: str) -> str:
    """The form below a result; nothing where the result was not kept and so cannot be rated.

    From `url` the browser takes the picture, to send it again where its owner gives it.
    """
    if sample is None:
        return ""
    thumbs = "".join(
        f'<button type="button" class="tc-vote {thumb}" data-thumb="{thumb}" aria-pressed="false">{_THUMB}{label}</button>'
        for thumb, label in (("up", t.UP), ("down", t.DOWN))
    )
    reasons = "".join(
        f'<div class="tc-reasons {thumb}" role="group" aria-label="{t.WHY}">'
        + "".join(
            f'<button type="button" data-reason aria-pressed="false">{words}</button>' for words in t.REASONS[thumb]
        )
        + "</div>"
        for thumb in t.REASONS
    )
    said = {
        "thanks": t.THANKS,
        "more": t.THANKS_MORE,
        "given": t.THANKS_PICTURE,
        "gone": t.PICTURE_GONE,
        "failed": t.FAILED,
    }
    words = "".join(f' data-{name}="{escape(text)}"' for name, text in said.items())
    return f"""<form class="tc-rating" data-sample="{escape(sample)}" data-url="{escape(url)}"{words}>
<div class="tc-rating-ask"><h2>{t.TITLE}</h2><div class="tc-votes" role="group" aria-label="{t.TITLE}">{thumbs}</div>
<output aria-live="polite"></output></div>
<div class="tc-rating-more" hidden>{reasons}
<label class="tc-words"><span>{t.MORE} <small>{t.MORE_HINT}</small></span>
<textarea name="words" rows="2" maxlength="{LONGEST_WORDS}"></textarea></label>
<label class="tc-consent"><input type="checkbox" name="consent"><span>{t.CONSENT}
<small>{t.CONSENT_NOTE.format(side=config.LIMITS.work_side)}</small></span></label>
<button type="submit" class="tc-send">{t.SEND}</button></div>
</form>"""
