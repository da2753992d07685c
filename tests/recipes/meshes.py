"""Meshes with texture coordinates, made of what they are the formulas of."""

import numpy as np


def torus(around=24, across=12):
    """A ring that lies flat; its texture goes once around each way."""
    u, v = np.meshgrid(np.arange(around + 1) / around, np.arange(across + 1) / across)
    a, b = 2 * np.pi * u, 2 * np.pi * v
    wide = 1 + 0.45 * np.cos(b)
    position = np.stack([wide * np.sin(a), 0.45 * np.sin(b), wide * np.cos(a)], -1)
    number = np.arange(u.size).reshape(u.shape)
    corners = [number[:-1, :-1], number[:-1, 1:], number[1:, 1:], number[1:, :-1]]
    face = np.stack([corners[i] for i in (0, 1, 2, 0, 2, 3)], -1)
    return {
        "position": position.reshape(-1, 3).astype(np.float32),
        "uv": np.stack([u, v], -1).reshape(-1, 2).astype(np.float32),
        "face": face.ravel().astype(np.int32),
    }


def square():
    """A square that faces the camera at (0, 0, z), with all of the texture on it."""
    uv = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], np.float32)
    position = np.concatenate([2 * uv - 1, np.zeros([4, 1], np.float32)], 1)
    return {"position": position, "uv": uv, "face": np.array([0, 1, 2, 0, 2, 3])}


def save_obj(mesh, path):
    """Write a mesh as an .obj file."""
    lines = [f"v {x} {y} {z}" for x, y, z in mesh["position"]]
    lines += [f"vt {u} {v}" for u, v in mesh["uv"]]
    corners = (mesh["face"] + 1).reshape(-1, 3)
    lines += ["f " + " ".join(f"{n}/{n}" for n in triangle) for triangle in corners]
    path.write_text("\n".join(lines) + "\n")
