"""The notebooks run from top to bottom, and are kept as a reader should find them."""

import base64
import io
import re
from pathlib import Path

import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient
from PIL import Image

from lucidx import interfaces
from lucidx.modelzoo import weights

DIRECTORY = Path(__file__).parent.parent / "notebooks"
NOTEBOOKS = sorted(path.stem for path in DIRECTORY.glob("*.ipynb"))
SHOW_PAGES = (
    "activation_atlas",
    "activation_grid",
    "channel_attribution",
    "neuron_groups",
    "semantic_dictionary",
    "spatial_attribution",
)
OTHERS = sorted({*NOTEBOOKS} - {*SHOW_PAGES})
MOST_BYTES = 1_000_000
WARNING = re.compile(r"\w+Warning: (\w+)")
A_MACHINES = re.compile(r"/(home|root|Users|tmp|usr|opt|work|mnt)/|[A-Z]:\\\\|Warning")


def read(name):
    return nbformat.read(DIRECTORY / f"{name}.ipynb", as_version=4)


def run(name):
    """The notebook after a run in a new kernel."""
    notebook = read(name)
    NotebookClient(notebook, timeout=600, kernel_name="python3").execute()
    return notebook


def outputs(notebook):
    return [output for cell in notebook.cells for output in cell.get("outputs", [])]


def said(notebook):
    """What the outputs say in words."""
    texts = [o.get("text", o.get("data", {}).get("text/plain", "")) for o in outputs(notebook)]
    return "\n".join(texts)


def pictures(notebook):
    """How many outputs are pictures."""
    shown = [output.get("data", {}) for output in outputs(notebook)]
    return sum("image/jpeg" in data or "data:image/" in data.get("text/html", "") for data in shown)


def unexpected(notebook):
    """First words of the warnings of a run, but for those that the text before is about."""
    found, text = [], ""
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            text = cell.source
        for output in cell.get("outputs", []):
            if output.get("name") == "stderr":
                found += [word for word in WARNING.findall(output.text) if f"`{word}`" not in text]
    return found


def test_the_list_of_notebooks_is_complete():
    listed = re.findall(r"^\| \[\w+\]\((\w+)\.ipynb\)", (DIRECTORY / "README.md").read_text(), re.M)
    assert sorted(listed) == NOTEBOOKS


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_is_valid_and_its_links_lead_somewhere(name):
    notebook = read(name)
    nbformat.validate(notebook)
    text = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    for link in re.findall(r"\]\(([^)#]+)", text):
        assert link.startswith("https://") or (DIRECTORY / link).is_file()


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_outputs_are_kept_of_one_run_from_top_to_bottom(name):
    notebook = read(name)
    counts = [cell.execution_count for cell in notebook.cells if cell.cell_type == "code"]
    assert counts == list(range(1, len(counts) + 1))
    assert {output.output_type for output in outputs(notebook)} <= {
        "display_data",
        "execute_result",
        "stream",
    }
    assert pictures(notebook) > 3
    assert "InceptionV1" in said(notebook)


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_kept_outputs_are_small_and_need_no_scripts(name):
    assert (DIRECTORY / f"{name}.ipynb").stat().st_size < MOST_BYTES
    notebook = read(name)
    assert ("A still of the page" in said(notebook)) == (name in SHOW_PAGES)
    shown = [output.get("data", {}).get("text/html", "") for output in outputs(notebook)]
    assert not any("<iframe" in html or "<script" in html for html in shown)


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_names_no_place_of_a_machine_and_keeps_no_warning(name):
    notebook = read(name)
    sources = "\n".join(cell.source for cell in notebook.cells)
    assert not A_MACHINES.search(sources + said(notebook))


@pytest.mark.slow
def test_of_a_page_a_still_is_kept_and_of_another_output_itself(efficientnet, browser, monkeypatch):
    monkeypatch.syspath_prepend(DIRECTORY)
    import execute

    photo = np.random.default_rng(0).random([224, 224, 3])
    page = interfaces.build(
        "spatial-attribution",
        efficientnet,
        photo,
        classes=["palace"],
        layers=["block7a/expand"],
        quality="fast",
    )
    of_a_page, other = (
        nbformat.v4.new_output("display_data", {"text/html": shown})
        for shown in (page._repr_html_(), "<p>words</p>")
    )
    tab = browser.new_page(viewport={"width": execute.WIDTH, "height": execute.HEIGHT})
    kept = execute.still(of_a_page, tab)
    assert execute.still(other, tab) == other
    tab.close()
    picture = Image.open(io.BytesIO(base64.b64decode(kept.data["image/jpeg"])))
    assert picture.width == execute.WIDTH
    assert len(picture.getcolors(picture.width * picture.height)) > 1000
    assert "Spatial attribution" in kept.data["text/plain"]


@pytest.mark.slow
@pytest.mark.parametrize("name", OTHERS)
def test_a_notebook_runs_with_what_lucidx_installs(name, monkeypatch, tmp_path):
    monkeypatch.delenv("LUCIDX_MODELS", raising=False)
    monkeypatch.setenv("LUCIDX_CACHE", str(tmp_path))
    monkeypatch.setenv("LUCIDX_FAST", "1")
    notebook = run(name)
    assert "<EfficientNetLite0: " in said(notebook)
    assert pictures(notebook) > 3
    assert not unexpected(notebook)


@pytest.mark.slow
@pytest.mark.parametrize("network", ["InceptionV1", "EfficientNetLite0"])
@pytest.mark.parametrize("name", SHOW_PAGES)
def test_those_that_show_pages_run_on_either_network(name, network, request, monkeypatch, tmp_path):
    if network == "InceptionV1":
        found = weights.find(request.getfixturevalue("inception_v1"))
        monkeypatch.setenv("LUCIDX_MODELS", str(found.parent))
    else:
        monkeypatch.delenv("LUCIDX_MODELS", raising=False)
    monkeypatch.setenv("LUCIDX_CACHE", str(tmp_path))
    monkeypatch.setenv("LUCIDX_FAST", "1")
    notebook = run(name)
    assert f"<{network}: " in said(notebook)
    assert pictures(notebook) > 3
    assert not unexpected(notebook)
    assert '<iframe title="' in str(outputs(notebook)[-1])
