"""The words of what lies behind a result."""

from __future__ import annotations

TITLE = "Behind this result"
SUMMARY = "{kind}, {sure} sure · tier {tier} · {drawings}"
DRAWING = "one drawing"
DRAWINGS = "the best of {count} drawings"

KIND = "What kind of picture it is"
KIND_NOTE = "By rules that were learned from what is measured below."
KIND_ALONE = "The other kinds’ chances are not known here."

ROUTE = "Which effort it took"
TIER = "Tier {tier}"
CHOSEN = "taken"
LOOKED = "measured"
QUALITY = "Likeness"
SECONDS = "Time"
BYTES = "Size"
TARGET = "target {value:.4g}"
BUDGET = "budget {value:g} s"
AXES = "likeness (SSIM) against seconds"
PLOT = "Expected likeness and time of each tier. {points} {chosen}"
POINT = "Tier {tier}: {quality:.4f} in {seconds:.2f} s."
TAKEN = "Tier {tier} was taken."
MEASURED = "what came of it"
MEASURED_POINT = "Measured: {quality:.4f} in {seconds:.2f} s."
EXPECTED = "Expected of each tier"
NO_PREDICTOR = "There is no predictor here, so what each tier would give is not known before it is drawn."
FIXED = "Tier {tier} was asked for, so there was nothing to choose."

DRAWN = "How it was drawn"
RECIPE = "Way of drawing"
RECIPES = {
    "planar": "regions with exact edges",
    "vtracer-flat": "inks first, then vtracer",
    "vtracer": "vtracer, shade by shade",
}
CANDIDATES = "Drawings made"
PREDICTED = "Predicted likeness"
ACTUAL = "Measured likeness"
NOT_PREDICTED = "not predicted"
NOT_MEASURED = "not measured"
MODELS = "Models"
NO_MODELS = "none"
MODEL_NAMES = {
    "classifier": "Kind",
    "class-plans": "Plans by kind",
    "correlation": "Correlation",
    "predictor": "Predictor",
    "encoder": "Encoder",
    "agent": "Agent",
}
DEGRADED = "What was missing or went wrong"
ALL_WELL = "Nothing was missing, and nothing went wrong."

FEATURES = "What was measured of the picture"
FEATURES_NOTE = "Bars run over the range that pictures usually have; those of counts grow by factors of ten."

GROUPS = {
    "colour": "Colour",
    "shape": "Shapes",
    "line": "Edges and strokes",
    "shade": "Shading",
    "damage": "Damage",
    "picture": "The picture as a whole",
}
NAMES = {
    "unique_colours": ("Different colours", "How many different colours occur."),
    "palette_size": ("Main colours", "The fewest coarse colours that hold 95 % of the picture."),
    "entropy": ("Variety of brightness", "Entropy of the brightness, 0 to 8 bits."),
    "transparent_share": ("Transparent", "Share of pixels that can be seen through."),
    "soft_alpha_share": ("Half transparent", "Share of pixels that can partly be seen through."),
    "regions": ("Regions", "How many connected areas of one colour or shade there are."),
    "largest_region": ("Largest region", "Share of the picture in the largest of them."),
    "parts": ("Parts", "How many separate pieces of ink there are."),
    "alignment": ("Standing in rows", "How much the parts stand in rows, as letters do."),
    "ink_share": ("Ink", "Share of the picture that differs from its ground."),
    "ink_fill": ("Fullness", "Share of the box around the ink that is ink."),
    "ink_aspect": ("Width to height of it", "Of the box around the ink."),
    "edge_density": ("Edges", "Share of pixels that lie on an edge."),
    "gradient_strength": ("Contrast of edges", "Mean step from pixel to pixel, where 1 is from black to white."),
    "corner_density": ("Corners", "Corners for each 1,000 pixels of a reduced picture."),
    "stroke_width": ("Width of strokes", "Mean width of the strokes, as a share of the long side."),
    "stroke_variation": ("Variation of strokes", "How much the widths vary: 0.58 where all strokes are of one width."),
    "flat_share": ("Flat", "Share of pixels in areas of one colour."),
    "smooth_share": ("Smooth slopes", "Share of the ink in gentle changes of colour."),
    "shaded_share": ("Shaded regions", "Share of the ink in regions whose colour changes."),
    "shading": ("Strength of shading", "Standard deviation of the colour within regions, of 255 levels."),
    "texture_share": ("Texture", "Share of pixels in texture, blur or weak edges."),
    "noise": ("Noise", "Standard deviation of the noise, of 255 levels."),
    "blockiness": ("JPEG blocks", "How far the 8 × 8 grid of JPEG stands out, of 255 levels."),
    "aspect": ("Width to height", "Of the picture."),
    "megapixels": ("Pixels", "That it was measured and traced at."),
}
UNITS = {
    "share": "{value:.3g} %",
    "count": "{value:,.0f}",
    "bits": "{value:.3g} bits",
    "levels": "{value:.3g}",
    "number": "{value:.3g}",
    "wide": "{value:.3g} : 1",
    "tall": "1 : {value:.3g}",
    "megapixels": "{value:.3g} million",
}
