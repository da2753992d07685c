"""What a CPPN has learned as a shader, and as one HTML page that draws it live."""

from __future__ import annotations

import base64
import hashlib
import html
import math
import os
from collections.abc import Iterator

import numpy as np

from lucidx.errors import InvalidValueError
from lucidx.misc.io.writing import into_file
from lucidx.recipes.cppn_function import EDGE, EVEN_SCALE, ODD_SCALE, CppnFunction

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none';
  style-src 'unsafe-inline'; script-src '{script_hash}'">
<title>{title}</title>
<style>
body {{ margin: 0; font: 14px sans-serif; color: #333; background: #fff; text-align: center; }}
canvas {{ display: block; margin: 0 auto; width: min(100vw, 100vh - 44px); aspect-ratio: 1;
  cursor: grab; touch-action: none; }}
h1 {{ display: inline; font-size: 14px; overflow-wrap: anywhere; }}
header {{ min-height: 44px; display: flex; gap: 8px; align-items: center;
  justify-content: center; flex-wrap: wrap; }}
</style></head><body>
<header><h1>{title}</h1>
<button id="closer" aria-label="Closer">+</button>
<button id="farther" aria-label="Farther">&minus;</button>
<button id="whole">Whole</button>
<button id="keep">Save as PNG</button>
</header>
<canvas tabindex="0" aria-label="Picture; drag it or use the arrow keys to move, the wheel or
plus and minus to come closer, 0 to see the whole"></canvas>
<script type="x-shader/x-fragment" id="fragment">{fragment}</script>
<script>{script}</script>
</body></html>
"""

_SCRIPT = r"""
"use strict";
const vertexSource = `#version 300 es
void main() {
  gl_Position = vec4(vec2(gl_VertexID & 1, gl_VertexID >> 1) * 4.0 - 1.0, 0.0, 1.0);
}`;

const LARGEST = 4096, SAVED = 2048;  // pixels
const COARSE = 3;  // by how much resolution is lower while the picture is moved
const canvas = document.querySelector("canvas");
const gl = canvas.getContext("webgl2", {preserveDrawingBuffer: true});
const view = {x: 0.5, y: 0.5, extent: 1};
let places, settled;

if (gl) {
  start();
} else {
  document.body.textContent = "This browser has no WebGL 2, which drawing the picture needs.";
}

function start() {
  const program = gl.createProgram();
  const fragmentSource = document.getElementById("fragment").textContent;
  for (const [kind, source] of [
    [gl.VERTEX_SHADER, vertexSource], [gl.FRAGMENT_SHADER, fragmentSource],
  ]) {
    const shader = gl.createShader(kind);
    gl.shaderSource(shader, source);
    gl.compileShader(shader);
    gl.attachShader(program, shader);
  }
  gl.linkProgram(program);
  if (!gl.getProgramParameter(program, gl.LINK_STATUS)) {
    document.body.textContent = "This browser cannot run the shader that draws the picture.";
    return;
  }
  gl.useProgram(program);
  places = Object.fromEntries(
    ["region", "size"].map((name) => [name, gl.getUniformLocation(program, name)]));
  listen();
  show(false);
  document.documentElement.dataset.ready = "";
}

// Large pictures take time: a coarse one is drawn while the picture moves, a fine one after that.
function show(moving) {
  clearTimeout(settled);
  if (moving) settled = setTimeout(() => show(false), 200);
  const fine = Math.min(LARGEST, Math.round(canvas.clientWidth * devicePixelRatio));
  draw(moving ? Math.ceil(fine / COARSE) : fine);
}

function draw(side) {
  for (const edge of ["width", "height"]) {
    if (canvas[edge] !== side) canvas[edge] = side;
  }
  const half = view.extent / 2;
  gl.viewport(0, 0, side, side);
  gl.uniform2f(places.size, side, side);
  gl.uniform4f(places.region, view.x - half, view.y - half, view.x + half, view.y + half);
  gl.drawArrays(gl.TRIANGLES, 0, 3);
}

function move(x, y) {
  view.x += x * view.extent;
  view.y += y * view.extent;
  show(true);
}

// The place at (x, y), in -0.5..0.5 from the middle of the canvas, stays where it is.
function zoom(factor, x = 0, y = 0) {
  const extent = Math.max(1e-4, Math.min(20, view.extent * factor));
  view.x += x * (view.extent - extent);
  view.y += y * (view.extent - extent);
  view.extent = extent;
  show(true);
}

function whole() {
  Object.assign(view, {x: 0.5, y: 0.5, extent: 1});
  show(true);
}

function keep() {
  draw(SAVED);
  canvas.toBlob((content) => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(content);
    link.download = "cppn.png";
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  });
  show(false);
}

function listen() {
  const keys = {
    ArrowLeft: () => move(-0.1, 0), ArrowRight: () => move(0.1, 0),
    ArrowUp: () => move(0, -0.1), ArrowDown: () => move(0, 0.1),
    "+": () => zoom(0.8), "=": () => zoom(0.8), "-": () => zoom(1.25), "0": whole,
  };
  canvas.addEventListener("keydown", (event) => {
    if (!(event.key in keys) || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    keys[event.key]();
  });
  canvas.addEventListener("pointerdown", (event) => canvas.setPointerCapture(event.pointerId));
  canvas.addEventListener("pointermove", (event) => {
    const side = canvas.clientWidth;
    if (event.buttons) move(-event.movementX / side, -event.movementY / side);
  });
  canvas.addEventListener("wheel", (event) => {
    event.preventDefault();
    const box = canvas.getBoundingClientRect();
    const at = [(event.clientX - box.x) / box.width, (event.clientY - box.y) / box.height];
    zoom(Math.exp(event.deltaY / 800), at[0] - 0.5, at[1] - 0.5);
  }, {passive: false});
  const buttons = {closer: () => zoom(0.8), farther: () => zoom(1.25), whole, keep};
  for (const [id, action] of Object.entries(buttons)) {
    document.getElementById(id).addEventListener("click", action);
  }
  window.addEventListener("resize", () => show(false));
}
"""

_FRAGMENT = """#version 300 es
precision highp float;
uniform vec4 region;  // left, top, right, bottom; the whole is 0, 0, 1, 1
uniform vec2 size;  // in pixels
out vec4 color;

// Color at a position: x from left to right, y from top to bottom, in -{edge}..{edge}.
vec3 cppn(vec2 position) {{
{layers}
}}

void main() {{
  vec2 pixel = vec2(gl_FragCoord.x, size.y - gl_FragCoord.y) - 0.5;
  vec2 place = mix(region.xy, region.zw, pixel / max(size - 1.0, 1.0));
  color = vec4(cppn((2.0 * place - 1.0) * {edge}), 1.0);
}}
"""


def shader(function: CppnFunction) -> str:
    """What a CPPN has learned as a fragment shader in GLSL ES 3.00, with the weights inside.

    Its function `vec3 cppn(vec2 position)` needs nothing else, so it can be used elsewhere.

    Parameters
    ----------
    function : of 3 channels, or 1 for grey.

    Raises
    ------
    InvalidValueError : another number of channels.
    """
    if function.channels not in (1, 3):
        raise InvalidValueError(
            "A shader draws colours, of 3 channels, or grey; this picture has "
            f"{function.channels}. "
            "cppn_function.draw gives all of them."
        )
    layers = "\n".join(f"  {line}" for line in _statements(function))
    return _FRAGMENT.format(edge=_number(EDGE), layers=layers)


def page(function: CppnFunction, title: str = "CPPN") -> str:
    """What a CPPN has learned as one HTML page, which draws it with WebGL 2 and loads nothing.

    It can be moved and zoomed, and saved as a picture; "Differentiable Image Parameterizations"
    (Distill, 2018) shows its CPPNs so.

    Parameters
    ----------
    function : of 3 channels, or 1 for grey.
    title : text, for instance what it was optimised for.

    Raises
    ------
    InvalidValueError : another number of channels.
    """
    digest = base64.b64encode(hashlib.sha256(_SCRIPT.encode()).digest()).decode()
    # Lone surrogates, which arguments of programs can hold, cannot be part of a page.
    title = title.encode("utf-8", "replace").decode()
    return _PAGE.format(
        title=html.escape(title),
        script_hash=f"sha256-{digest}",
        fragment=shader(function),
        script=_SCRIPT,
    )


def save_page(function: CppnFunction, path: str | os.PathLike, title: str = "CPPN") -> None:
    """Write `page` to a file, which appears complete or not at all.

    Raises
    ------
    InvalidValueError : neither 3 channels nor 1.
    OSError : the file cannot be written.
    """
    content = page(function, title).encode()
    with into_file(path) as file:
        file.write(content)


def _statements(function: CppnFunction) -> Iterator[str]:
    """GLSL for all layers, four channels at a time."""
    *hidden, last = function.layers
    yield "vec4 at = vec4(position, 0.0, 0.0);"
    inputs, halves = ["at"], 1
    for n, layer in enumerate(hidden):
        names = [f"a{n}_{k}" for k in range(math.ceil(len(layer[1]) / 4))]
        yield from _linear(layer, inputs, halves, names)
        for name in names:
            yield f"{name} = atan({name});"
            yield f"vec4 {name}_odd = {name} / {_number(ODD_SCALE)};"
            yield f"vec4 {name}_even = {name} * {name} / {_number(EVEN_SCALE)};"
        inputs, halves = [f"{name}_{half}" for half in ("odd", "even") for name in names], 2
    yield from _linear(last, inputs, halves, ["logit"])
    colors = "rgb" if function.channels == 3 else "rrr"
    yield f"return 1.0 / (1.0 + exp(-logit.{colors}));"


def _linear(
    layer: tuple[np.ndarray, np.ndarray], inputs: list[str], halves: int, names: list[str]
) -> Iterator[str]:
    """GLSL that declares `names`, the linear part of a layer."""
    weights, biases = layer
    blocks = _blocks(weights, halves)
    for k, (name, bias) in enumerate(zip(names, _fours(biases), strict=True)):
        terms = [f"{_constructor(blocks[i, k])} * {of}" for i, of in enumerate(inputs)]
        yield f"vec4 {name} = " + "\n    + ".join([_constructor(bias), *terms]) + ";"


def _blocks(weights: np.ndarray, halves: int) -> np.ndarray:
    """Weights `[inputs, outputs]` as `[inputs / 4, outputs / 4, 4, 4]`, filled up with zeros.

    The inputs are in as many halves, each of which is filled up.
    """
    inputs, outputs = weights.shape
    split = weights.reshape(halves, inputs // halves, outputs)
    split = np.pad(split, [(0, 0), (0, -split.shape[1] % 4), (0, -outputs % 4)])
    return split.reshape(-1, 4, split.shape[2] // 4, 4).transpose(0, 2, 1, 3)


def _fours(biases: np.ndarray) -> np.ndarray:
    return np.pad(biases, (0, -len(biases) % 4)).reshape(-1, 4)


def _constructor(values: np.ndarray) -> str:
    """A vec4; or a mat4, whose columns are the rows of `values`: one for each input."""
    kind = "mat4" if values.ndim == 2 else "vec4"
    return f"{kind}({', '.join(map(_number, values.ravel()))})"


def _number(value: float) -> str:
    """The shortest literal for a float32."""
    return str(np.float32(value))
