"""The look: Gradio's theme, and the head that links the stylesheet and script in ``assets/style``.

Neutral greys, since the pictures bring the colour, and one accent: the magenta in which printers mark a contour to cut.
"""

from __future__ import annotations

from gradio.themes import Base, Color, Size

from .. import config

STYLE = config.ASSETS / "style"

_CONTOUR = Color(
    *("#fff0f7", "#ffe0ef", "#ffc2df", "#ff94c6", "#ff5fa8", "#ee2486"),
    *("#d1006c", "#ad0059", "#8c0a4b", "#700c40", "#450024"),
)
_GREY = Color(
    *("#fafafb", "#f3f4f6", "#e6e7eb", "#d3d5db", "#9a9eaa", "#6b6f7c"),
    *("#4e525e", "#383b45", "#24262e", "#191b21", "#101116"),
)
_TEXT = Size("11px", "12px", "13px", "15px", "18px", "24px", "34px", name="truecurve_text")
_SPACE = Size("2px", "4px", "6px", "8px", "12px", "16px", "24px", name="truecurve_space")
_RADIUS = Size("2px", "4px", "6px", "8px", "10px", "14px", "20px", name="truecurve_radius")


def theme() -> Base:
    """The theme, for light and dark."""
    return Base(
        primary_hue=_CONTOUR,
        secondary_hue=_GREY,
        neutral_hue=_GREY,
        text_size=_TEXT,
        spacing_size=_SPACE,
        radius_size=_RADIUS,
        font=("Instrument Sans", "ui-sans-serif", "system-ui", "sans-serif"),
        font_mono=("ui-monospace", "SFMono-Regular", "Menlo", "monospace"),
    ).set(
        body_background_fill="*neutral_100",
        body_background_fill_dark="*neutral_950",
        background_fill_primary="#ffffff",
        background_fill_primary_dark="*neutral_900",
        block_background_fill="#ffffff",
        block_background_fill_dark="*neutral_900",
        block_border_color="*neutral_200",
        block_border_color_dark="*neutral_800",
        block_label_background_fill="transparent",
        block_label_background_fill_dark="transparent",
        block_shadow="none",
        block_title_text_weight="600",
        body_text_color="*neutral_900",
        body_text_color_dark="*neutral_100",
        body_text_color_subdued="*neutral_500",
        body_text_color_subdued_dark="*neutral_400",
        block_info_text_color="*neutral_500",
        block_info_text_color_dark="*neutral_400",
        border_color_primary="*neutral_200",
        border_color_primary_dark="*neutral_800",
        input_background_fill="*neutral_50",
        input_background_fill_dark="*neutral_950",
        checkbox_label_background_fill_selected="*neutral_900",
        checkbox_label_background_fill_selected_dark="*neutral_100",
        checkbox_label_text_color_selected="#ffffff",
        checkbox_label_text_color_selected_dark="*neutral_950",
        slider_color="*primary_600",
        slider_color_dark="*primary_400",
        button_primary_background_fill="*primary_600",
        button_primary_background_fill_hover="*primary_700",
        button_primary_text_color="#ffffff",
    )


def head() -> str:
    """What goes into the page's head. Links are relative, so that the app may live under any path."""
    version = f"?v={int(max(p.stat().st_mtime for p in STYLE.iterdir()))}"
    # the shared ones first, then those of a tab each
    sheets, scripts = (
        sorted(STYLE.glob(f"*.{kind}"), key=lambda path: (path.stem != "truecurve", path.name))
        for kind in ("css", "js")
    )
    return (
        '<meta name="color-scheme" content="light dark">'
        '<link rel="preload" href="style/fonts/instrument-sans.woff2" as="font" type="font/woff2" crossorigin>'
        + "".join(f'<link rel="stylesheet" href="style/{path.name}{version}">' for path in sheets)
        + "".join(f'<script src="style/{path.name}{version}" defer></script>' for path in scripts)
        + '<link rel="icon" href="style/mark.svg" type="image/svg+xml">'
    )
