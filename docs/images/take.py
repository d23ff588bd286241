"""Take the README's pictures of a running app, in Chromium.

python docs/images/take.py http://127.0.0.1:7860
"""

from __future__ import annotations

import io
import shutil
import sys
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

HERE = Path(__file__).resolve().parent
SHOTS = (
    # file, example, colour scheme, width, height, device pixels per CSS pixel
    ("convert-light.webp", "panda.png", "light", 1440, 760, 1),
    ("convert-phone-dark.webp", "weather.png", "dark", 390, 1120, 2),
)


def main(url: str) -> None:
    """Write every picture beside this file."""
    with sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--headless", "--no-sandbox", "--disable-gpu"]
        )
        for file, example, scheme, width, height, scale in SHOTS:
            page = browser.new_page(
                viewport={"width": width, "height": height}, color_scheme=scheme, device_scale_factor=scale
            )
            page.goto(url)
            page.click(f"#tc-examples img[src='examples/{example}']")
            page.wait_for_selector(".tc-svg")
            page.wait_for_timeout(800)
            image = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
            image.save(HERE / file, quality=82, method=6)
        browser.close()


if __name__ == "__main__":
    main(sys.argv[1])
