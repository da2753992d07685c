"""A textured mesh to turn around and to unfold: one HTML page that draws with WebGL 2.

It shows the mesh as "Differentiable Image Parameterizations" (Distill, 2018) does: folded or, by
its texture coordinates, flat; shaded or not.
"""

from __future__ import annotations

import html
from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike

from lucidx.errors import InvalidTypeError, InvalidValueError
from lucidx.misc.gl import meshutil
from lucidx.misc.io.serialize_array import array_to_jsbuffer

_PAGE = """<!doctype html>
<html><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:;
  style-src 'unsafe-inline'; script-src 'unsafe-inline'">
<style>
body {{ margin: 0; font: 14px sans-serif; color: #333; background: #fff; }}
canvas {{ display: block; max-width: 100%; max-height: calc(100vh - 30px);
  background: {background}; cursor: grab; touch-action: none; }}
</style></head><body>
<label><input type="checkbox" id="unfoldBox"> Unfold</label>
<label><input type="checkbox" id="shadeBox" checked> Shade</label>
<canvas width="800" height="600" tabindex="0"
  aria-label="Mesh; drag or use the arrow keys to turn it, the wheel to come closer"></canvas>
<script>
"use strict";
const mesh = {{
  position: {position},
  uv: {uv},
  face: {face},
}};
const texture = "{texture}";
{script}
</script></body></html>"""

_SCRIPT = r"""
const vertexSource = `#version 300 es
in vec3 position;
in vec2 uv;
uniform float unfolded;
uniform mat4 camera;
out vec3 place;
out vec2 onTexture;
void main() {
  place = mix(position, vec3(2.0 * uv - 1.0, 0.0), unfolded);
  onTexture = uv;
  gl_Position = camera * vec4(place, 1.0);
}`;

const fragmentSource = `#version 300 es
precision highp float;
in vec3 place;
in vec2 onTexture;
uniform sampler2D picture;
uniform vec3 eye;
uniform float shade;
out vec4 color;
void main() {
  vec3 normal = normalize(cross(dFdx(place), dFdy(place)));
  float light = abs(dot(normal, normalize(eye - place)));
  color = vec4(texture(picture, onTexture).rgb * mix(1.0, 0.25 + 0.75 * light, shade), 1.0);
}`;

const FIELD = 42 * Math.PI / 180, NEAR = 0.05, FAR = 100, FOLDING = 1000;
const canvas = document.querySelector("canvas");
const unfoldBox = document.getElementById("unfoldBox");
const shadeBox = document.getElementById("shadeBox");
const gl = canvas.getContext("webgl2");
const view = {yaw: 0, pitch: 0, distance: 3.3, unfolded: 0};

if (gl) {
  start();
} else {
  document.body.textContent = "This browser has no WebGL 2, which drawing the mesh needs.";
}

function start() {
  const program = gl.createProgram();
  for (const [kind, source] of [
    [gl.VERTEX_SHADER, vertexSource], [gl.FRAGMENT_SHADER, fragmentSource],
  ]) {
    const shader = gl.createShader(kind);
    gl.shaderSource(shader, source);
    gl.compileShader(shader);
    gl.attachShader(program, shader);
  }
  gl.linkProgram(program);
  gl.useProgram(program);
  for (const [name, size] of [["position", 3], ["uv", 2]]) {
    const where = gl.getAttribLocation(program, name);
    gl.bindBuffer(gl.ARRAY_BUFFER, gl.createBuffer());
    gl.bufferData(gl.ARRAY_BUFFER, mesh[name], gl.STATIC_DRAW);
    gl.enableVertexAttribArray(where);
    gl.vertexAttribPointer(where, size, gl.FLOAT, false, 0, 0);
  }
  gl.bindBuffer(gl.ELEMENT_ARRAY_BUFFER, gl.createBuffer());
  gl.bufferData(gl.ELEMENT_ARRAY_BUFFER, mesh.face, gl.STATIC_DRAW);
  gl.enable(gl.DEPTH_TEST);

  const uniform = (name) => gl.getUniformLocation(program, name);
  const places = Object.fromEntries(
    ["camera", "eye", "shade", "unfolded"].map((name) => [name, uniform(name)]));
  const redraw = () => requestAnimationFrame(() => draw(places));
  const image = new Image();
  image.onload = () => {
    gl.bindTexture(gl.TEXTURE_2D, gl.createTexture());
    // Row 0 of a picture is its top, and v = 0 the bottom of a texture.
    gl.pixelStorei(gl.UNPACK_FLIP_Y_WEBGL, true);
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, gl.RGBA, gl.UNSIGNED_BYTE, image);
    gl.generateMipmap(gl.TEXTURE_2D);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.LINEAR_MIPMAP_LINEAR);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_WRAP_S, gl.CLAMP_TO_EDGE);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_WRAP_T, gl.CLAMP_TO_EDGE);
    draw(places);
    document.documentElement.dataset.ready = "";
  };
  image.src = texture;
  listen(redraw);
}

function draw(places) {
  const [camera, eye] = look();
  gl.clearColor(0, 0, 0, 0);
  gl.clear(gl.COLOR_BUFFER_BIT | gl.DEPTH_BUFFER_BIT);
  gl.uniformMatrix4fv(places.camera, false, camera);
  gl.uniform3fv(places.eye, eye);
  gl.uniform1f(places.shade, shadeBox.checked ? 1 : 0);
  gl.uniform1f(places.unfolded, view.unfolded);
  gl.drawElements(gl.TRIANGLES, mesh.face.length, gl.UNSIGNED_INT, 0);
}

// Camera matrix, by columns, and the place of the eye, which looks at the origin.
function look() {
  const [sy, cy, sp, cp] = [
    Math.sin(view.yaw), Math.cos(view.yaw), Math.sin(view.pitch), Math.cos(view.pitch)];
  const right = [cy, 0, -sy], up = [-sy * sp, cp, -cy * sp], back = [sy * cp, sp, cy * cp];
  const zoom = 1 / Math.tan(FIELD / 2), aspect = canvas.width / canvas.height;
  const a = (FAR + NEAR) / (NEAR - FAR), b = 2 * FAR * NEAR / (NEAR - FAR);
  const column = (i) => [zoom / aspect * right[i], zoom * up[i], a * back[i], -back[i]];
  const d = view.distance;
  return [
    [...column(0), ...column(1), ...column(2), 0, 0, b - a * d, d],
    back.map((x) => x * d),
  ];
}

function listen(redraw) {
  const turn = (yaw, pitch) => {
    view.yaw -= yaw;
    view.pitch = Math.max(-1.57, Math.min(1.57, view.pitch + pitch));
    redraw();
  };
  canvas.addEventListener("pointerdown", (event) => canvas.setPointerCapture(event.pointerId));
  canvas.addEventListener("pointermove", (event) => {
    if (event.buttons) turn(event.movementX / 150, event.movementY / 150);
  });
  canvas.addEventListener("wheel", (event) => {
    event.preventDefault();
    view.distance = Math.max(0.2, Math.min(50, view.distance * Math.exp(event.deltaY / 800)));
    redraw();
  }, {passive: false});
  const keys = {
    ArrowLeft: [0.1, 0], ArrowRight: [-0.1, 0], ArrowUp: [0, 0.1], ArrowDown: [0, -0.1]};
  canvas.addEventListener("keydown", (event) => {
    if (!(event.key in keys)) return;
    event.preventDefault();
    turn(...keys[event.key]);
  });
  shadeBox.addEventListener("change", redraw);
  unfoldBox.addEventListener("change", () => fold(unfoldBox.checked ? 1 : 0, redraw));
}

function fold(goal, redraw) {
  const from = view.unfolded, since = performance.now();
  const step = () => {
    const t = Math.min(1, (performance.now() - since) / FOLDING);
    view.unfolded = from + (goal - from) * t * t * (3 - 2 * t);
    redraw();
    if (t < 1 && goal === (unfoldBox.checked ? 1 : 0)) requestAnimationFrame(step);
  };
  step();
}
"""


def mesh_page(mesh: Mapping[str, ArrayLike], texture_url: str, background: str) -> str:
    """HTML element that shows a mesh, in a frame of its own.

    Parameters
    ----------
    mesh : "position" (`[N, 3]` or more columns), "uv" (`[N, 2]` or more columns) and "face"
        (`[T, 3]` or `[3 * T]`, numbers of vertices), as `load` gives it for an .obj file.
    texture_url : data URL of a picture; (0, 0) of "uv" is its lower left corner.
    background : color, such as "0xffffff".

    Raises
    ------
    InvalidTypeError : the mesh is not a mapping of arrays of numbers.
    InvalidValueError : it has no such arrays, or they do not fit; or `background` is not a color.
    """
    position, uv, face = checked_mesh(mesh)
    page = _PAGE.format(
        background=_css_color(background),
        position=array_to_jsbuffer(position.ravel()),
        uv=array_to_jsbuffer(uv.ravel()),
        face=array_to_jsbuffer(face),
        texture=texture_url,
        script=_SCRIPT,
    )
    return (
        # In an element of its own, since IPython warns of HTML that is all iframe.
        '<div><iframe title="mesh" sandbox="allow-scripts" style="width: 800px; max-width: 100%; '
        f'aspect-ratio: 800 / 630; border: 0;" srcdoc="{html.escape(page)}"></iframe></div>'
    )


def checked_mesh(mesh: Mapping[str, ArrayLike]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Positions float32 `[N, 3]`, texture coordinates float32 `[N, 2]`, corners uint32 `[3 * T]`.

    Raises
    ------
    InvalidTypeError, InvalidValueError : as `mesh_page`.
    """
    if not isinstance(mesh, Mapping):
        raise InvalidTypeError(
            "A mesh is a dict of the arrays 'position', 'uv' and 'face'; this is of type "
            f"{type(mesh).__name__}."
        )
    missing = [key for key in ("position", "uv", "face") if key not in mesh]
    if missing:
        raise InvalidValueError(
            f"A textured mesh has 'position', 'uv' and 'face'; this one has no "
            f"{' and no '.join(map(repr, missing))}."
        )
    arrays = (mesh[key] for key in ("position", "uv", "face"))
    position, uv, corners = meshutil.checked_mesh(*arrays, uv_width=2)
    return position, uv[:, :2], corners


def _css_color(background: str) -> str:
    digits = str(background).lower().removeprefix("#").removeprefix("0x")
    if len(digits) != 6 or set(digits) - set("0123456789abcdef"):
        raise InvalidValueError(f"A color is written as '0xffffff', not as {background!r}.")
    return f"#{digits}"
