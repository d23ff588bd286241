"""Draw the example pictures from artwork under open licences, and write CREDITS.md beside them.

    npm i --ignore-scripts $(python assets/examples/make.py --packages)
    python assets/examples/make.py node_modules

Each is saved as people have such files: on white or with alpha, as JPEG, small or large.
"""

from __future__ import annotations

import io
import json
import re
import sys
from dataclasses import dataclass
from pathlib import Path

import cairosvg
import skimage
from PIL import Image, ImageDraw, ImageFont

HERE = Path(__file__).resolve().parent
ICONIFY = "@iconify-json/"


@dataclass(frozen=True)
class Example:
    """One picture: where it comes from and how it is saved."""

    file: str
    source: str
    name: str
    kind: str
    side: int = 512
    ground: str | None = "#ffffff"
    ink: str = "#111111"
    title: str = ""


EXAMPLES = (
    Example("blender.png", ICONIFY + "cib@1.2.3", "blender", "simple", ink="#d9650b", title="Logo, one colour"),
    Example("panda.png", ICONIFY + "fxemoji@1.2.2", "pandaface", "simple", ground=None, title="Flat, transparent"),
    Example(
        "rocket-icon-96.png",
        ICONIFY + "duo-icons@1.2.2",
        "rocket",
        "simple",
        side=96,
        ink="#0b6e5d",
        title="Icon of 96 px",
    ),
    Example("fish.jpg", ICONIFY + "fxemoji@1.2.2", "tropicalfish", "simple", side=400, title="Flat, as a JPEG"),
    Example("pacifico.png", "@fontsource/pacifico@5.3.0", "Sundown", "text", ink="#c2410c", title="Script wordmark"),
    Example(
        "playfair.png",
        "@fontsource/playfair-display@5.3.0",
        "Halden & Co",
        "text",
        ground=None,
        ink="#1b2a41",
        title="Serif, transparent",
    ),
    Example(
        "grotesk.jpg",
        "@fontsource/space-grotesk@5.3.0",
        "orbital",
        "text",
        ground="#16213e",
        ink="#ffd166",
        title="Light on dark, JPEG",
    ),
    Example(
        "weather.png",
        ICONIFY + "meteocons@1.2.4",
        "partly-cloudy-day-fill",
        "gradient",
        ground=None,
        title="Soft gradients",
    ),
    Example("spark.png", "@lobehub/icons-static-svg@1.95.1", "gemini-color", "gradient", title="Radial gradients"),
    Example("dusk.png", "", "dusk", "gradient", title="App icon"),
    Example("tiger.png", ICONIFY + "fxemoji@1.2.2", "tiger", "complex", title="Many small shapes"),
    Example("coffee.jpg", "scikit-image", "coffee.png", "complex", side=480, title="Photo"),
    Example("launch.jpg", "scikit-image", "rocket.jpg", "complex", side=480, title="Photo, smooth sky"),
)

DUSK = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 512 512"><defs>
<linearGradient id="a" x2="0" y2="1"><stop stop-color="#2b2d6e"/><stop offset=".6" stop-color="#d9587a"/>
<stop offset="1" stop-color="#ffb56b"/></linearGradient><linearGradient id="b" x2="0" y2="1">
<stop stop-color="#fff4d6"/><stop offset="1" stop-color="#ffcf70"/></linearGradient></defs>
<rect x="16" y="16" width="480" height="480" rx="112" fill="url(#a)"/><circle cx="256" cy="262" r="92" fill="url(#b)"/>
<path d="M16 352 152 246 236 322 342 214 496 338V384A112 112 0 0 1 384 496H128A112 112 0 0 1 16 384Z" fill="#241a4a"/>
<path d="M16 404 128 330 250 420 372 316 496 398A112 112 0 0 1 384 496H128A112 112 0 0 1 16 404Z" fill="#120e2e"/>
</svg>"""

PHOTOS = {
    "coffee.png": ("Rachel Michetti, courtesy of Pikolo Espresso Bar", "CC0 1.0"),
    "rocket.jpg": ("SpaceX", "public domain"),
}


def draw(example: Example, modules: Path) -> Image.Image:
    """The picture as RGBA, before it is saved."""
    package = example.source.rpartition("@")[0]
    if example.source == "scikit-image":
        image = Image.open(Path(skimage.__file__).parent / "data" / example.name).convert("RGBA")
        image.thumbnail((example.side, example.side), Image.Resampling.LANCZOS)
        return image
    if package.startswith("@fontsource/"):
        return wordmark(example, modules / package)
    if package.startswith(ICONIFY):
        data = json.loads((modules / package / "icons.json").read_text())
        icon = data["icons"][example.name]
        width, height = (icon.get(k, data.get(k, 16)) for k in ("width", "height"))
        body = re.sub(r"<animate.*?(/>|</animate\w*>)", "", icon["body"])
        svg = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}">{body}</svg>'
    elif package:
        svg = (modules / package / "icons" / f"{example.name}.svg").read_text()
    else:
        svg = DUSK
    svg = svg.replace("currentColor", example.ink)
    inner = example.side if example.name == "dusk" else round(example.side * 0.86)
    png = cairosvg.svg2png(bytestring=svg.encode(), output_width=inner * 4, output_height=inner * 4)
    art = Image.open(io.BytesIO(png)).convert("RGBA").resize((inner, inner), Image.Resampling.BOX)
    image = Image.new("RGBA", (example.side, example.side))
    image.alpha_composite(art, ((example.side - inner) // 2,) * 2)
    return image


def wordmark(example: Example, package: Path) -> Image.Image:
    """A word in a font, 512 px wide, drawn at four times the size."""
    files = sorted((package / "files").glob("*-latin-[467]00-normal.woff"))
    font = ImageFont.truetype(str(files[-1]), 400)
    left, top, right, bottom = font.getbbox(example.name)
    image = Image.new("RGBA", (right - left + 240, bottom - top + 240), example.ink + "00")
    ImageDraw.Draw(image).text((120 - left, 120 - top), example.name, font=font, fill=example.ink)
    return image.resize((512, round(512 * image.height / image.width)), Image.Resampling.BOX)


def credit(example: Example, modules: Path) -> tuple[str, str, str]:
    """Source with version, author, licence."""
    if not example.source:
        return "this project", "Truecurve", "CC0 1.0"
    if example.source == "scikit-image":
        return f"scikit-image {skimage.__version__}, `data/{example.name}`", *PHOTOS[example.name]
    package = example.source.rpartition("@")[0]
    source = f"[{example.source}](https://www.npmjs.com/package/{package}), `{example.name}`"
    if package.startswith(ICONIFY):
        info = json.loads((modules / package / "info.json").read_text())
        return source, f"[{info['author']['name']}]({info['author'].get('url', '')})", info["license"]["title"]
    meta = json.loads((modules / package / "package.json").read_text())
    author = meta.get("author", "")
    author = author if isinstance(author, str) else author.get("name", "")
    if package.startswith("@fontsource/"):
        text = (modules / package / "LICENSE").read_text()
        owner = re.search(r"Copyright.*", text)
        author = owner.group(0).strip() if owner else author
        source = f"[{example.source}](https://www.npmjs.com/package/{package}), the word “{example.name}” set in it"
    return source, re.sub(r"\s*<.*?>", "", author), meta["license"]


def main(modules: Path) -> None:
    """Write every picture, the index that the app reads, and the credits."""
    rows, index = [], []
    for example in EXAMPLES:
        image = draw(example, modules)
        if example.ground:
            flat = Image.new("RGBA", image.size, example.ground)
            flat.alpha_composite(image)
            image = flat.convert("RGB")
        if example.file.endswith(".jpg"):
            image.convert("RGB").save(HERE / example.file, quality=82)
        else:
            image.save(HERE / example.file, optimize=True)
        rows.append(f"| `{example.file}` | {' | '.join(credit(example, modules))} |")
        index.append({"file": example.file, "title": example.title, "kind": example.kind})
    (HERE / "index.json").write_text(json.dumps(index, indent=1) + "\n")
    (HERE / "CREDITS.md").write_text(
        "# Where the example pictures come from\n\n"
        "Drawn by `make.py` at other sizes and on other grounds than the originals; SVG animation is left out.\n"
        "Logos are their owners' trademarks and stand here as examples of logos, nothing more.\n\n"
        "| picture | source | author | licence |\n|---|---|---|---|\n" + "\n".join(rows) + "\n"
    )


if __name__ == "__main__":
    if sys.argv[1:] == ["--packages"]:
        print(*sorted({e.source for e in EXAMPLES if "@" in e.source}))
    else:
        main(Path(sys.argv[1]))
