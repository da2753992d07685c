"""Makes docs/page.jpg, the picture of a page that README shows.

It needs Chromium, and what `pip install 'lucidx[dev]'` installs.
"""

import io
import shutil
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright
from sklearn.datasets import load_sample_image

import lucidx
from lucidx import interfaces

page = interfaces.build(
    "neuron-groups", lucidx.load("EfficientNetLite0"), load_sample_image("china.jpg")
)
with sync_playwright() as playwright:
    browser = playwright.chromium.launch(
        executable_path=shutil.which("chromium"), args=["--no-sandbox"]
    )
    tab = browser.new_page(viewport={"width": 1100, "height": 1010})
    tab.set_content(page.html)
    tab.wait_for_timeout(1000)
    screenshot = tab.screenshot()
picture = Image.open(io.BytesIO(screenshot)).convert("RGB")
picture.save(Path(__file__).with_name("page.jpg"), quality=85)
