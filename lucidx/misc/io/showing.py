"""Show pictures, meshes and graphs: as HTML in a notebook, as lines of text in a terminal.

What is shown loads nothing from the network.
"""

from __future__ import annotations

import base64
import html
import logging
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike
from PIL import Image

from lucidx.errors import InvalidTypeError, InvalidValueError
from lucidx.misc.environment import is_notebook_environment
from lucidx.misc.io import graph_outline
from lucidx.misc.io.collapse_channels import collapse_channels
from lucidx.misc.io.mesh_page import checked_mesh, mesh_page
from lucidx.misc.io.sanitizing import one_line
from lucidx.misc.io.serialize_array import (
    PICTURE_FORMATS,
    array_of,
    in_numpys_types,
    serialize_array,
)

if TYPE_CHECKING:
    import tensorflow as tf

log = logging.getLogger(__name__)

Domain = tuple[float, float] | None


def display_html(html_str: str) -> None:
    """Display HTML below the notebook's current cell."""
    import IPython.display

    IPython.display.display(IPython.display.HTML(html_str))


_display_html = display_html  # Lucid's name


def _image_url(
    array: ArrayLike,
    fmt: str = "png",
    mode: str = "data",
    quality: int = 90,
    domain: Domain = None,
) -> str:
    """Data URL of a picture.

    Parameters
    ----------
    array, domain, quality : as for `serialize_array`.
    fmt : "png", "jpeg" or "webp".
    mode : "data" is the only one.

    Raises
    ------
    InvalidTypeError, InvalidValueError : as `serialize_array`; also another mode.
    """
    if mode != "data":
        raise InvalidValueError(f"The mode of an image URL is 'data', not {mode!r}.")
    data = serialize_array(array, domain, fmt, quality)
    media_type = PICTURE_FORMATS[fmt.lower()]
    return f"data:image/{media_type};base64,{base64.b64encode(data).decode('ascii')}"


def _image_html(
    array: ArrayLike, w: float | None = None, domain: Domain = None, fmt: str = "png"
) -> str:
    """HTML element of a picture, scaled without smoothing to `w` CSS pixels if given."""
    url = _image_url(_with_colors(_array(array)), fmt=fmt, domain=domain)
    style = "image-rendering: pixelated; image-rendering: crisp-edges;"
    if w is not None:
        style += f"width: {html.escape(str(w))}px;"
    return f'<img src="{url}" style="{style}">'


def _with_colors(array: np.ndarray) -> np.ndarray:
    if array.ndim < 3 or array.shape[-1] in (1, 3, 4):
        return array
    return collapse_channels(array)


def image(
    array: ArrayLike,
    domain: Domain | str = None,
    w: float | None = None,
    format: str = "png",
    **kwargs: Any,
) -> None:
    """Show one picture.

    Parameters
    ----------
    array : numbers, `[H, W]` or `[H, W, C]`, or a Pillow image. With C other than 1, 3 or 4, each
        channel gets a hue (see `collapse_channels`).
    domain : values shown as black and white; None takes the array's own least and greatest. A
        string here is taken as the format.
    w : width on the page, in CSS pixels; the picture's own by default.
    format : "png", "jpeg" or "webp"; `fmt` is another name for it.
    **kwargs : others are ignored with a warning.

    Raises
    ------
    InvalidTypeError, InvalidValueError : in a notebook, as `serialize_array`.
    """
    if isinstance(domain, str):
        domain, format = None, domain
    format = kwargs.pop("fmt", format)
    if kwargs:
        log.warning("One picture is shown without regard to %s.", ", ".join(kwargs))
    if is_notebook_environment():
        display_html(_image_html(array, w, domain, format))
    else:
        print(_summary(array))


def images(
    arrays: Iterable[ArrayLike],
    labels: Iterable[object] | None = None,
    domain: Domain = None,
    w: float | None = None,
    *,
    format: str = "png",
) -> None:
    """Show pictures in rows, each under its label.

    Parameters
    ----------
    arrays : pictures as `image` takes them, or one array `[N, H, W, C]`.
    labels : one for each picture, shown as text; their numbers by default; `[]` for none.
    domain, w, format : as for `image`; with `domain=None` each picture has a domain of its own.

    Raises
    ------
    InvalidTypeError, InvalidValueError : in a notebook, as `serialize_array`; too few labels.
    """
    arrays = list(arrays)
    captions = _captions(labels, len(arrays))
    if not is_notebook_environment():
        for caption, array in zip(captions, arrays, strict=True):
            print(f"{one_line(caption)}: {_summary(array)}" if caption else _summary(array))
        return
    cells = [
        f'<div style="margin-right:10px; margin-top: 4px;">\n'
        f"{_caption_html(caption)}{_image_html(array, w, domain, format)}\n"
        f"</div>"
        for caption, array in zip(captions, arrays, strict=True)
    ]
    style = "display: flex; flex-direction: row; flex-wrap: wrap;"
    display_html(f'<div style="{style}">{"".join(cells)}</div>')


def _captions(labels: Iterable[object] | None, count: int) -> Sequence[str]:
    try:
        captions = [str(label) for label in (range(count) if labels is None else labels)]
    except TypeError as error:
        raise InvalidTypeError(
            f"labels is a list, one for each picture; got {labels!r}."
        ) from error
    if captions and len(captions) < count:
        raise InvalidValueError(
            f"There are {count} pictures and {len(captions)} labels; pass labels=[] for none."
        )
    return captions[:count] or [""] * count


def _caption_html(caption: str) -> str:
    return f"{html.escape(caption)} <br/>\n" if caption else ""


def _summary(array: ArrayLike) -> str:
    array = _array(array)
    shape = f"{list(array.shape)} {array.dtype}"
    if array.size == 0 or array.dtype.kind not in "biuf":
        return shape
    return f"{shape}, {array.min():.3g} to {array.max():.3g}"


def textured_mesh(
    mesh: Mapping[str, ArrayLike], texture: ArrayLike, background: str = "0xffffff"
) -> None:
    """Show a mesh with a picture on it, to turn around with the mouse, to unfold and to shade.

    As in "Differentiable Image Parameterizations" (Distill, 2018). The browser draws it, with
    WebGL 2.

    Parameters
    ----------
    mesh : "position" (`[N, 3]`), "uv" (`[N, 2]`, 0..1) and "face" (`[3 * T]`, numbers of vertices),
        as `load` gives for an .obj file. The camera is made for positions in -1..1; see
        `lucidx.misc.gl.meshutil.normalize_mesh`.
    texture : picture as `image` takes it; its lower left corner is at (0, 0) of "uv". Its least and
        greatest value become black and white.
    background : color, as "0xffffff" or "#ffffff".

    Raises
    ------
    InvalidTypeError, InvalidValueError : the mesh is not complete or does not fit together; the
        background is not a color; or as `serialize_array`.
    """
    position, _, face = checked_mesh(mesh)
    if not is_notebook_environment():
        print(f"mesh of {len(position)} vertices and {len(face) // 3} triangles")
        print(f"texture: {_summary(texture)}")
        return
    colors = _with_colors(_array(texture))
    if colors.shape[-1] == 4:
        colors = colors[..., :3]  # JPEG knows no transparency
    display_html(mesh_page(mesh, _image_url(colors, fmt="jpeg"), background))


def graph(graph_def: tf.Graph | tf.compat.v1.GraphDef, max_const_size: int = 32) -> None:
    """Show the nodes of a graph by name scope: what they do, and to which others.

    Parameters
    ----------
    graph_def : graph, or its definition.
    max_const_size : bytes; what larger constants hold is left out.

    Raises
    ------
    InvalidTypeError : this is not a graph.
    """
    if hasattr(graph_def, "as_graph_def"):
        graph_def = graph_def.as_graph_def()
    if not _is_graph(graph_def):
        raise InvalidTypeError(
            f"A tf.Graph or GraphDef can be shown as a graph; this is of type "
            f"{type(graph_def).__name__}. A model's is model.graph_def."
        )
    stripped = _strip_consts(graph_def, max_const_size)
    if is_notebook_environment():
        display_html(graph_outline.as_html(stripped))
    else:
        print(graph_outline.as_text(stripped))


def _is_graph(thing: Any) -> bool:
    """Whether this is a graph, found out without importing TensorFlow."""
    descriptor = getattr(thing, "DESCRIPTOR", None)
    is_graph_def = getattr(descriptor, "full_name", None) == "tensorflow.GraphDef"
    return is_graph_def or hasattr(thing, "as_graph_def")


def _strip_consts(
    graph_def: tf.compat.v1.GraphDef, max_const_size: int = 32
) -> tf.compat.v1.GraphDef:
    """Copy of a graph in which what constants of more bytes hold is "<stripped N bytes>"."""
    stripped = type(graph_def)()
    for node in graph_def.node:
        copy = stripped.node.add()
        copy.CopyFrom(node)
        size = len(node.attr["value"].tensor.tensor_content) if node.op == "Const" else 0
        if size > max_const_size:
            copy.attr["value"].tensor.tensor_content = f"<stripped {size} bytes>".encode()
    return stripped


def show(thing: Any, domain: Domain = (0, 1), **kwargs: Any) -> None:
    """Show pictures and graphs in a notebook, or say in a terminal what they are.

    Anything else is printed.

    Parameters
    ----------
    thing : one picture (an array or eager tensor `[H, W]` or `[H, W, C]`, or a Pillow image), a
        batch of them (`[N, H, W, C]`), or a list of pictures and batches, such as `render_vis`
        returns. With C other than 1, 3 or 4, each channel gets a hue (see `collapse_channels`). Or
        a graph (see `graph`).
    domain : values shown as black and white; None takes each picture's own least and greatest.
        Integer arrays are taken as pixels, 0..255.
    **kwargs : `w` and `format`, and `labels` for several pictures (see `images`);
        `max_const_size` for a graph.

    Raises
    ------
    InvalidTypeError, InvalidValueError : in a notebook, as `serialize_array`; too few labels.
    """
    array = _as_array(thing)
    if _is_graph(thing):
        graph(thing, **kwargs)
    elif array is not None and array.ndim in (2, 3):
        image(array, domain, **kwargs)
    elif pictures := _pictures(thing if array is None else array):
        images(pictures, domain=domain, **kwargs)
    else:
        log.warning("What is of type %s is not a picture; it is printed.", type(thing).__name__)
        print(repr(thing))


def _as_array(thing: Any) -> np.ndarray | None:
    """Array that an array, eager tensor or Pillow image is or holds; or None."""
    if isinstance(thing, np.ndarray | Image.Image) or hasattr(thing, "numpy"):
        return _numbers(thing)
    return None  # a table of pandas is an array too, and not meant as a picture


def _numbers(thing: Any) -> np.ndarray | None:
    """Array of real numbers that this is, or stands for; or None."""
    try:
        array = _array(thing)
    except InvalidTypeError:
        return None
    return array if array.dtype.kind in "biuf" else None


def _array(thing: Any) -> np.ndarray:
    is_pillow = isinstance(thing, Image.Image)
    return _pillow_to_array(thing) if is_pillow else in_numpys_types(array_of(thing))


def _pillow_to_array(picture: Image.Image) -> np.ndarray:
    if picture.mode.startswith("I"):  # 16 bits of grey, of which a page shows eight
        return (np.asarray(picture) >> 8).astype(np.uint8)
    if picture.mode == "F":
        return np.asarray(picture)
    return np.asarray(picture if picture.mode in ("L", "RGB") else picture.convert("RGBA"))


def _pictures(thing: Any) -> list[np.ndarray]:
    """Pictures in a batch or in a list; empty if it is neither, or holds anything else."""
    if isinstance(thing, np.ndarray):
        return list(thing) if thing.ndim == 4 else []
    if not isinstance(thing, list | tuple):
        return []
    pictures = []
    for element in thing:
        array = _numbers(element)
        if array is None or array.ndim < 2:
            return []
        batch_shape, picture_shape = array.shape[:-3], array.shape[-3:]
        pictures.extend(array.reshape(math.prod(batch_shape), *picture_shape))
    return pictures
