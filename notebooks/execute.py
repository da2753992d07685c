"""Execute notebooks in place, and keep stills of the pages that they show.

    python notebooks/execute.py notebooks/neuron_groups.ipynb

A page of lucidx is large and needs its scripts, which sites that show notebooks do not run. Whoever
runs the notebook gets the page itself. Needs a Chromium, or `playwright install chromium`.
"""

import base64
import html
import re
import shutil
import sys

import nbformat
from nbclient import NotebookClient
from playwright.sync_api import Page, sync_playwright

WIDTH, HEIGHT, QUALITY = 1000, 760, 80
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FRAME = re.compile('<iframe title="([^"]*)"[^>]* srcdoc="([^"]*)"')


def main(paths: list[str]) -> None:
    """Execute each notebook and write it back."""
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=browser)
        page = started.new_page(viewport={"width": WIDTH, "height": HEIGHT})
        for path in paths:
            nbformat.write(executed(path, page), path)
        started.close()


def executed(path: str, page: Page) -> nbformat.NotebookNode:
    """The notebook with the outputs of a run; logs and warnings are not kept but printed."""
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(notebook, timeout=None, kernel_name="python3", record_timing=False).execute()
    notebook.metadata.language_info = {"name": "python"}
    for cell in notebook.cells:
        if cell.cell_type == "code":
            logs = [output for output in cell.outputs if output.get("name") == "stderr"]
            sys.stderr.writelines(output.text for output in logs)
            cell.outputs = [still(output, page) for output in cell.outputs if output not in logs]
    return notebook


def still(output: nbformat.NotebookNode, page: Page) -> nbformat.NotebookNode:
    """The output, or if it is a page a picture of that."""
    frame = FRAME.search(output.get("data", {}).get("text/html", ""))
    if frame is None:
        return output
    title, content = map(html.unescape, frame.groups())
    page.set_content(content)
    page.wait_for_selector("html[data-ready]", state="attached")
    picture = page.screenshot(full_page=True, type="jpeg", quality=QUALITY)
    data = {
        "image/jpeg": base64.b64encode(picture).decode("ascii"),
        "text/plain": f"A still of the page {title!r}: run the cell to explore it.",
    }
    return nbformat.v4.new_output("display_data", data)


if __name__ == "__main__":
    main(sys.argv[1:])
