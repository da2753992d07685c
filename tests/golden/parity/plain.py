"""Kinds of cases that are plain Python and numpy: numbers, files, HTML."""

from __future__ import annotations

import base64
import contextlib
import html.parser
import io
import re
import sys
import tempfile
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import PIL.Image

from lucidx.errors import LucidxError
from parity.cases import Case, Outcome, evaluate

PYTHON = "python"
DATA_URL = re.compile(r"data:image/\w+;base64,([A-Za-z0-9+/=]+)")
JS_TYPES = re.compile(r"\b(?:Uint|Int|Float)\d+Array\b")


def numpy_fn(case: Case) -> Iterator[Outcome]:
    """Plain call."""
    result = case.call(case.function)
    if case.get("listify"):
        result = list(result)
    if "result" in case.expected:
        yield Outcome(PYTHON, {}, {"result": _as_json(result)})
    elif isinstance(result, dict):
        arrays = {f"out:{key}": value for key, value in result.items()}
        yield Outcome(PYTHON, arrays, {"keys": sorted(result)})
    elif isinstance(result, tuple | list):
        yield Outcome(PYTHON, {f"out{i}": value for i, value in enumerate(result)})
    else:
        yield Outcome(PYTHON, {"out": result})


def _as_json(value: Any) -> Any:
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    if isinstance(value, tuple | list):
        return [_as_json(item) for item in value]
    if isinstance(value, dict):
        return {key: _as_json(item) for key, item in value.items()}
    return value


def fake_layers(case: Case) -> Iterator[Outcome]:
    """Plain call in which recorded arrays stand for the activations of layers."""
    yield Outcome(PYTHON, {"out": case.call(case.function)})


def stimulus(case: Case) -> Iterator[Outcome]:
    """Synthetic image, anti-aliased by random offsets from numpy's global generator."""
    np.random.seed(case["numpy_seed"])  # noqa: NPY002
    image = case.call(case.function)
    if "E" in case.fields:
        image = image(lambda X, Y: evaluate(case["E"], X=X, Y=Y))
    yield Outcome(PYTHON, {"image": image})


def serialize(case: Case) -> Iterator[Outcome]:
    """Array as an encoded image, in bytes or in a data URL."""
    result = case.call(case.function)
    facts = {"return_type": type(result).__name__}
    encoded = result
    if isinstance(result, str):
        prefix, encoded = result[: -len(result.partition(",")[2])], _payloads(result)[0]
        facts["prefix"] = prefix
    decoded, about = _decoded(io.BytesIO(encoded))
    yield Outcome(PYTHON, {"decoded": decoded}, facts | about)


def _decoded(file: Any) -> tuple[np.ndarray, dict]:
    with PIL.Image.open(file) as image:
        about = {"format": image.format, "mode": image.mode, "size_w_h": list(image.size)}
        return np.array(image), about


def _payloads(text: str) -> list[bytes]:
    return [base64.b64decode(data) for data in DATA_URL.findall(text)]


def jsbuffer(case: Case) -> Iterator[Outcome]:
    """Array as JavaScript source."""
    code = case.call(case.function)
    data = base64.b64decode(re.search(r"atob\([\"']([A-Za-z0-9+/=]*)[\"']\)", code)[1])
    # Bytes come first in any case; another type, if any, is what they are viewed as.
    view = set(JS_TYPES.findall(code)) - {"Uint8Array"} or {"Uint8Array"}
    yield Outcome(PYTHON, {"bytes": np.frombuffer(data, np.uint8)}, {"js_type": "".join(view)})


def show(case: Case) -> Iterator[Outcome]:
    """What a notebook is shown."""
    pages, printed = _displayed(case)
    images = [_decoded(io.BytesIO(data))[0] for page in pages for data in _payloads(page)]
    arrays = {f"image{i}": image for i, image in enumerate(images)}
    recorded = case.expected["html_whitespace_normalised"]
    same = [_Structure.of(page) for page in pages] == [_Structure.of(page) for page in recorded]
    seen = recorded if same else pages
    yield Outcome(PYTHON, arrays, {"html_whitespace_normalised": seen, "stdout": printed})


def _displayed(case: Case) -> tuple[list[str], str]:
    pages: list[str] = []
    with _notebook(pages), contextlib.redirect_stdout(io.StringIO()) as printed:
        case.call(case.function)
    return pages, printed.getvalue()


class ZMQInteractiveShell:
    """Named like the shell of a Jupyter kernel, by which one knows a notebook."""


@contextlib.contextmanager
def _notebook(pages: list[str]) -> Iterator[None]:
    """Stand in for IPython in a notebook, and collect the HTML that it would display."""
    display = types.SimpleNamespace(HTML=lambda html: html, display=pages.append)
    ipython = types.SimpleNamespace(get_ipython=ZMQInteractiveShell, display=display)
    with mock.patch.dict(sys.modules, {"IPython": ipython, "IPython.display": display}):
        yield


class _Structure(html.parser.HTMLParser):
    """Collects the labels of a page, and how wide and how smooth its images are, in order."""

    def __init__(self):
        super().__init__()
        self.seen: list[Any] = []

    @classmethod
    def of(cls, page: str) -> list[Any]:
        parser = cls()
        parser.feed(page)
        parser.close()
        return parser.seen

    def handle_starttag(self, tag, attrs):
        if tag == "img":
            style = dict(attrs).get("style") or ""
            self.seen.append({re.sub(r"\s", "", part) for part in style.split(";")} - {""})

    def handle_data(self, data):
        self.seen += [data.strip()] if data.strip() else []


def load_image(case: Case) -> Iterator[Outcome]:
    """Image file as an array."""
    with _file(case) as path:
        path.write_bytes(case.input("file_bytes").tobytes())
        array = case.function(str(path), **case.decode(case["kwargs"]))
    facts = {"shape": list(array.shape), "dtype": str(array.dtype)}
    yield Outcome(PYTHON, {"array": array}, facts)


def save(case: Case) -> Iterator[Outcome]:
    """Thing in a file, read again without lucidx."""
    with _file(case) as path:
        result = dict(
            case.function(case.decode(case["thing"]), str(path), **case.decode(case["kwargs"]))
        )
        facts = {"has_url": result.pop("url", None) is not None, "result": _as_json(result)}
        arrays = {}
        if case["extension"] == ".npy":
            arrays["array"] = np.load(path)
        elif case["extension"] == ".npz":
            with np.load(path) as archive:
                arrays = {f"array:{name}": archive[name] for name in archive.files}
        elif "decoded" in case["outputs"]:
            arrays["decoded"], about = _decoded(path)
            facts |= about
        else:
            facts["text"] = path.read_text()
    yield Outcome(PYTHON, arrays, facts)


@contextlib.contextmanager
def _file(case: Case) -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as directory:
        yield Path(directory) / f"case{case['extension']}"


def channel_reducer(case: Case) -> Iterator[Outcome]:
    """Activations in terms of fewer channels."""
    acts = case.input("acts")
    reducer = case.call(case.function)
    transformed = reducer.fit_transform(acts)
    arrays = {
        "fit_transform": transformed,
        "transform_other": reducer.transform(case.input("other")),
        "components": reducer.components,
        "call_after_fit": reducer(acts),
    }
    mean = 0
    if "mean" in case["outputs"]:
        arrays["mean"] = mean = reducer.mean
        arrays["explained_variance_ratio"] = reducer.explained_variance_ratio
        # A principal component is defined up to its sign.
        signs = np.sign((arrays["components"] * case.output("components")).sum(1))
        for name in ("fit_transform", "transform_other", "call_after_fit"):
            arrays[name] = arrays[name] * signs
        arrays["components"] = arrays["components"] * signs[:, None]
    arrays["reconstruction"] = transformed @ reducer.components + mean
    # Lucid has None for what an algorithm does not know.
    facts = {"reconstruction_err": getattr(reducer, "reconstruction_err", None)}
    yield Outcome(PYTHON, arrays, facts)


def raises(case: Case) -> Iterator[Outcome]:
    """A call that the original refuses: lucidx may make it work, or refuse it for a reason."""
    function = case.function
    call = dict(case.expected)
    try:
        with _notebook([]), contextlib.redirect_stdout(io.StringIO()):
            case.call(function)
    except (LucidxError, ValueError, TypeError):
        pass
    except Exception as error:
        call["raises"] = type(error).__name__
    yield Outcome(PYTHON, {}, call)
