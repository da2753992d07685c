"""Pictures of meshes: what a vertex carries, such as texture coordinates, for each pixel.

With an OpenGL context (see `glcontext`) OpenGL draws; without one the same picture is computed in
numpy.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from lucidx.errors import InvalidTypeError, InvalidValueError
from lucidx.misc.gl import glcontext, meshutil
from lucidx.misc.gl.rasterizer import rasterize

_VERTEX_SHADER = """#version 330
uniform mat4 MVP;
layout(location = 0) in vec4 position;
layout(location = 1) in vec4 uv;
out vec4 carried;
void main() {
    carried = uv;
    gl_Position = MVP * position;
}
"""
_FRAGMENT_SHADER = """#version 330
in vec4 carried;
layout(location = 0) out vec4 color;
void main() {
    color = carried;
}
"""


def _gl() -> Any:
    from OpenGL import GL

    return GL


class GLObject:
    """Something that belongs to OpenGL; `with` binds it. `_as_parameter_` is its number."""

    _as_parameter_ = 0

    def __enter__(self) -> GLObject:
        self._bind(self._as_parameter_)
        return self

    def __exit__(self, *args: object) -> None:
        self._bind(0)

    def __del__(self) -> None:
        if self._as_parameter_ and not sys.is_finalizing() and glcontext.has_context():
            self.release()

    def _bind(self, number: int) -> None:
        raise NotImplementedError

    def release(self) -> None:
        """Give its memory back to OpenGL."""
        raise NotImplementedError


class FBO(GLObject):
    """Framebuffer: what is drawn on instead of a screen."""

    def __init__(self):
        self._as_parameter_ = int(_gl().glGenFramebuffers(1))

    def _bind(self, number: int) -> None:
        _gl().glBindFramebuffer(_gl().GL_FRAMEBUFFER, number)

    def release(self) -> None:
        """Give its memory back to OpenGL."""
        _gl().glDeleteFramebuffers(1, [self._as_parameter_])
        self._as_parameter_ = 0


class Texture(GLObject):
    """Two-dimensional texture."""

    def __init__(self):
        self._as_parameter_ = int(_gl().glGenTextures(1))

    def _bind(self, number: int) -> None:
        _gl().glBindTexture(_gl().GL_TEXTURE_2D, number)

    def release(self) -> None:
        """Give its memory back to OpenGL."""
        _gl().glDeleteTextures([self._as_parameter_])
        self._as_parameter_ = 0


class Shader(GLObject):
    """Program of a vertex and a fragment shader; `shader[name]` is the location of a uniform.

    Parameters
    ----------
    vp_code, fp_code : source of the two, in GLSL.

    Raises
    ------
    InvalidValueError : OpenGL cannot compile or link them; says what it says.
    """

    def __init__(self, vp_code: str, fp_code: str):
        from OpenGL.GL import shaders

        gl = _gl()
        try:
            parts = [
                shaders.compileShader(vp_code, gl.GL_VERTEX_SHADER),
                shaders.compileShader(fp_code, gl.GL_FRAGMENT_SHADER),
            ]
            self._shader = shaders.compileProgram(*parts, validate=False)
        except RuntimeError as error:
            log = error.args[0]
            raise InvalidValueError(f"OpenGL refuses the shader: {log}") from error
        self._as_parameter_ = int(self._shader)
        self._uniforms: dict[str, int] = {}

    def __getitem__(self, uniform_name: str) -> int:
        if uniform_name not in self._uniforms:
            location = _gl().glGetUniformLocation(self._as_parameter_, uniform_name)
            self._uniforms[uniform_name] = int(location)
        return self._uniforms[uniform_name]

    def _bind(self, number: int) -> None:
        _gl().glUseProgram(number)

    def release(self) -> None:
        """Give its memory back to OpenGL."""
        _gl().glDeleteProgram(self._as_parameter_)
        self._as_parameter_ = 0


class MeshRenderer:
    """Draws meshes in perspective, by OpenGL if there is a context when it is made.

    Parameters
    ----------
    size : width and height of the pictures, in pixels.

    Attributes
    ----------
    fovy : angle of view, from the lower edge to the upper one, in degrees.
    aspect : width over height.
    znear, zfar : distances of the planes between which things are seen.

    Raises
    ------
    InvalidValueError : a size that is not positive.
    """

    def __init__(self, size: tuple[int, int]):
        self.size = width, height = tuple(int(n) for n in size)
        if min(self.size) < 1:
            raise InvalidValueError(f"A picture has at least one pixel each way, not {size}.")
        self.fovy = 10.0
        self.aspect = width / height
        self.znear, self.zfar = 0.01, 100.0
        self.fbo = self.color_tex = self.depth_tex = self.shader = None
        if glcontext.has_context():
            self._make_target()
            self.shader = Shader(_VERTEX_SHADER, _FRAGMENT_SHADER)

    def _make_target(self) -> None:
        gl = _gl()
        self.color_tex, self.depth_tex, self.fbo = Texture(), Texture(), FBO()
        parts = [
            (self.color_tex, gl.GL_COLOR_ATTACHMENT0, gl.GL_RGBA32F),
            (self.depth_tex, gl.GL_DEPTH_STENCIL_ATTACHMENT, gl.GL_DEPTH24_STENCIL8),
        ]
        with self.fbo:
            for texture, attachment, kept in parts:
                with texture:
                    gl.glTexStorage2D(gl.GL_TEXTURE_2D, 1, kept, *self.size)
                number = texture._as_parameter_
                gl.glFramebufferTexture2D(
                    gl.GL_FRAMEBUFFER, attachment, gl.GL_TEXTURE_2D, number, 0
                )

    def proj_matrix(self) -> np.ndarray:
        """Projection of the camera, float32 `[4, 4]` for rows; see `meshutil.perspective`."""
        return meshutil.perspective(self.fovy, self.aspect, self.znear, self.zfar)

    def render_mesh(
        self,
        position: ArrayLike,
        uv: ArrayLike,
        face: ArrayLike | None = None,
        clear_color: Sequence[float] = (0, 0, 0, 0),
        modelview: ArrayLike = np.eye(4),  # noqa: B008
        *,
        normal: ArrayLike | None = None,
    ) -> np.ndarray:
        """Picture of a mesh, as "Differentiable Image Parameterizations" (2018) textures it.

        Parameters
        ----------
        position : `[N, 3]`.
        uv : what the vertices carry, `[N, 1]` to `[N, 4]`. What lacks of four is 0, the last 1:
            with two texture coordinates the fourth channel tells the mesh from the background.
        face : numbers of the vertices of triangles, three each; by default all in order.
        clear_color : the four channels of the background.
        modelview : `[4, 4]` for columns, from the mesh to the camera; see `meshutil.lookat`.
        normal : not drawn; taken so that a loaded mesh may be passed as `**mesh`.

        Returns
        -------
        float32 array `[height, width, 4]`, row 0 at the top.

        Raises
        ------
        InvalidValueError : numbers that are not finite, shapes that do not fit, or faces of
            vertices that there are not.
        InvalidTypeError : what are not numbers.
        """
        position, uv, corners = meshutil.checked_mesh(position, uv, face)
        if uv.shape[1] > 4:
            raise InvalidValueError(f"Vertices carry at most 4 numbers each, not {uv.shape[1]}.")
        view = _checked("modelview", modelview, (4, 4))
        background = _checked("clear_color", clear_color, (4,))
        to_clip = (view.T @ self.proj_matrix()).astype(np.float32)
        faces = corners.reshape(-1, 3)
        if self.shader is None:
            clip = _vec4(position) @ to_clip.astype(np.float64)
            return rasterize(clip, _vec4(uv), faces, self.size, background)
        return self._draw(position, uv, faces, background, to_clip)

    def _draw(
        self,
        position: np.ndarray,
        uv: np.ndarray,
        faces: np.ndarray,
        background: np.ndarray,
        to_clip: np.ndarray,
    ) -> np.ndarray:
        gl = _gl()
        width, height = self.size
        viewport = gl.glGetIntegerv(gl.GL_VIEWPORT)
        with self.fbo, self.shader:
            gl.glViewport(0, 0, width, height)
            gl.glClearColor(*background)
            gl.glClear(gl.GL_COLOR_BUFFER_BIT | gl.GL_DEPTH_BUFFER_BIT)
            gl.glUniformMatrix4fv(self.shader["MVP"], 1, gl.GL_FALSE, to_clip)
            gl.glEnable(gl.GL_DEPTH_TEST)
            self._bind_attrib(0, position)
            self._bind_attrib(1, uv)
            gl.glDrawElements(gl.GL_TRIANGLES, faces.size, gl.GL_UNSIGNED_INT, faces)
            picture = gl.glReadPixels(0, 0, width, height, gl.GL_RGBA, gl.GL_FLOAT)
            gl.glDisableVertexAttribArray(0)
            gl.glDisableVertexAttribArray(1)
            gl.glDisable(gl.GL_DEPTH_TEST)
        gl.glViewport(*viewport)
        return np.frombuffer(picture, np.float32).reshape(height, width, 4)[::-1].copy()

    def _bind_attrib(self, i: int, arr: np.ndarray) -> None:
        gl = _gl()
        gl.glEnableVertexAttribArray(i)
        gl.glVertexAttribPointer(i, arr.shape[1], gl.GL_FLOAT, gl.GL_FALSE, 0, arr)


def _checked(name: str, numbers: ArrayLike, shape: tuple[int, ...]) -> np.ndarray:
    try:
        array = np.asarray(numbers, np.float32)
    except (TypeError, ValueError) as error:
        raise InvalidTypeError(f"{name} is numbers {list(shape)}, not {numbers!r}.") from error
    if array.shape != shape or not np.isfinite(array).all():
        raise InvalidValueError(f"{name} is finite numbers {list(shape)}, not {array.tolist()}.")
    return array


def _vec4(rows: np.ndarray) -> np.ndarray:
    filled = np.tile([0.0, 0.0, 0.0, 1.0], [len(rows), 1])
    filled[:, : rows.shape[1]] = rows
    return filled
