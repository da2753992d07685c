"""OpenGL without a window: through EGL where its library is, else through OSMesa.

Import this before `OpenGL.GL`: PyOpenGL has to know by then which of the two is meant. The
environment variable `PYOPENGL_PLATFORM` ("egl" or "osmesa") decides instead if it is set.
"""

from __future__ import annotations

import contextlib
import ctypes
import ctypes.util
import glob
import os
import sys
import warnings
from collections.abc import Iterator
from typing import Any

PLATFORM_VARIABLE = "PYOPENGL_PLATFORM"
_SURFACELESS_MESA = 0x31DD  # EGL_PLATFORM_SURFACELESS_MESA, needs no X server or GPU
_DEPTH_BITS = 24
_LIBRARIES = {"egl": "EGL", "osmesa": "OSMesa"}
_MESA = {
    "egl": (
        "libEGL_mesa.so.0",
        *(f"/usr/{d}/dri/swrast_dri.so" for d in ("lib/*", "lib64", "lib")),
    ),
    "osmesa": ("libOSMesa.so.8",),
}

# OSMesa draws into memory that has to outlive the context.
_kept: list[Any] = []


class NoOpenGLWarning(UserWarning):
    """There is no OpenGL here; meshes are rendered without."""


def _choose_platform() -> None:
    if sys.platform == "linux" and "OpenGL" not in sys.modules:
        found = (name for name, lib in _LIBRARIES.items() if ctypes.util.find_library(lib))
        os.environ.setdefault(PLATFORM_VARIABLE, next(found, "egl"))
    if _platform() == "osmesa":
        _load_mesa_apart()  # PyOpenGL loads it on import


def _platform() -> str:
    return os.environ.get(PLATFORM_VARIABLE, "")


def _load_mesa_apart() -> None:
    """Keep Mesa's LLVM and TensorFlow's from each other.

    Both are in the process under the same names. Each would take the other's functions for its own
    and crash, at the latest when the process ends; so TensorFlow has to be there first, and Mesa
    has to look for names in its own libraries first.
    """
    import tensorflow  # noqa: F401

    apart = os.RTLD_NOW | getattr(os, "RTLD_DEEPBIND", 0)
    for name in _MESA.get(_platform(), ()):
        for path in glob.glob(name) or [name]:
            with contextlib.suppress(OSError):
                ctypes.CDLL(path, mode=apart)


_choose_platform()


def create_opengl_context(surface_size: tuple[int, int] = (640, 480)) -> None:
    """Make a context of desktop OpenGL, without a window, and make it this thread's current one.

    Where that is impossible this warns and goes on: `MeshRenderer` needs no OpenGL, it is only
    slower without; OpenGL calls of your own do need it.

    Parameters
    ----------
    surface_size : width and height, in pixels, of the picture to draw on (8 bits RGB, 24 bits
        depth).

    Warns
    -----
    NoOpenGLWarning : says what is missing.
    """
    try:
        _CREATE.get(_platform(), _create_egl)(*map(int, surface_size))
    except ImportError as error:
        reason = f"PyOpenGL cannot be imported ({error}): pip install 'lucidx[gl]'"
    except Exception as error:  # PyOpenGL has no one kind of error for libraries that lack parts
        reason = (
            f"no context could be made ({error!r}); on Debian and Ubuntu, install libegl1, "
            "libopengl0 and libgl1-mesa-dri"
        )
    else:
        return
    warnings.warn(
        f"There is no OpenGL here: {reason}. MeshRenderer renders without it.",
        NoOpenGLWarning,
        stacklevel=2,
    )


def has_context() -> bool:
    """Whether this thread has a current OpenGL context."""
    platform = sys.modules.get("OpenGL.platform")
    return platform is not None and bool(platform.PLATFORM.GetCurrentContext())


def _create_egl(width: int, height: int) -> None:
    from OpenGL import EGL as egl

    wanted = [
        *(egl.EGL_SURFACE_TYPE, egl.EGL_PBUFFER_BIT),
        *(egl.EGL_RED_SIZE, 8, egl.EGL_GREEN_SIZE, 8, egl.EGL_BLUE_SIZE, 8),
        *(egl.EGL_DEPTH_SIZE, _DEPTH_BITS),
        *(egl.EGL_RENDERABLE_TYPE, egl.EGL_OPENGL_BIT),
        egl.EGL_NONE,
    ]
    _load_mesa_apart()
    display = _initialized_display(egl)
    count, configs = egl.EGLint(), (egl.EGLConfig * 1)()
    egl.eglChooseConfig(display, wanted, configs, len(configs), count)
    if not count.value:
        raise OSError("EGL has no configuration for pictures with depth")
    size = [egl.EGL_WIDTH, width, egl.EGL_HEIGHT, height, egl.EGL_NONE]
    surface = egl.eglCreatePbufferSurface(display, configs[0], size)
    egl.eglBindAPI(egl.EGL_OPENGL_API)
    context = egl.eglCreateContext(display, configs[0], egl.EGL_NO_CONTEXT, None)
    egl.eglMakeCurrent(display, surface, surface, context)


def _initialized_display(egl: Any) -> Any:
    from OpenGL.error import GLError

    for display in _displays(egl):
        try:
            if egl.eglInitialize(display, egl.EGLint(), egl.EGLint()):
                return display
        except GLError:
            continue  # such as the default one, where there is no X server
    raise OSError("EGL has no display that works")


def _displays(egl: Any) -> Iterator[Any]:
    yield egl.eglGetDisplay(egl.EGL_DEFAULT_DISPLAY)
    from OpenGL.EGL.EXT.platform_base import eglGetPlatformDisplayEXT

    if eglGetPlatformDisplayEXT:
        yield eglGetPlatformDisplayEXT(_SURFACELESS_MESA, None, None)


def _create_osmesa(width: int, height: int) -> None:
    from OpenGL import GL as gl
    from OpenGL import osmesa

    context = osmesa.OSMesaCreateContextExt(gl.GL_RGBA, _DEPTH_BITS, 8, 0, None)
    memory = (ctypes.c_ubyte * (4 * width * height))()
    if not osmesa.OSMesaMakeCurrent(context, memory, gl.GL_UNSIGNED_BYTE, width, height):
        raise OSError("OSMesa refuses its context")
    _kept[:] = [context, memory]


_CREATE = {"egl": _create_egl, "osmesa": _create_osmesa}
