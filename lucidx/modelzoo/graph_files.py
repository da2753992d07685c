"""Reading the bytes of a frozen graph, and telling what a file is that is none."""

from __future__ import annotations

import io
import re
import stat
import zipfile
from pathlib import Path

from lucidx.errors import CorruptFileError, WeightsNotFoundError

LARGEST_FILE = 2**31 - 1

_KERAS = "Load it with keras.saving.load_model and pass that to Model.from_keras."
_TORCH = (
    "Export the network to TensorFlow, or build it in Keras and copy its weights; "
    "lucidx.modelzoo.torch_checkpoint.read_checkpoint reads the weights without torch."
)
_FREEZE = "Restore it and freeze it, or export a SavedModel and use Model.from_saved_model."
_UNPACK = "Unpack it, and pass the .pb file that is in it."

# How a file starts that is something else: pattern, what it is, what to do.
_STARTS = (
    (rb"version https://git-lfs", "a Git LFS pointer, not the file", "Run `git lfs pull`."),
    (rb"(?i)\s*<(!doctype|html|head|\?xml)", "a web page, not the file", "Download it again."),
    (rb"(\xef\xbb\xbf)?\s*(#[^\n]*\s+)*(node|library|versions)\s*\{", "a graph in text form",
     "Parse it with google.protobuf.text_format.Parse(text, tf.compat.v1.GraphDef()) and pass "
     "that, or write it with tf.io.write_graph(..., as_text=False)."),
    (rb"\x08\x01\x12", "a SavedModel", "Pass its directory to Model.from_saved_model."),
    (rb"\x08[\x02-\x1f]\x12", "an ONNX model",
     "Convert it to TensorFlow, for instance with onnx2tf."),
    (rb"\x89HDF\r\n\x1a\n", "an HDF5 file, such as Keras writes", _KERAS),
    (rb"\x80[\x02-\x05]", "a Python pickle, such as torch writes", _TORCH),
    (rb"....TFL3", "a TensorFlow Lite model", "Pass the model that it was converted from."),
    (rb"\x1f\x8b|BZh|\xfd7zXZ|7z\xbc\xaf|.{257}ustar", "an archive", _UNPACK),
    (rb"\x93NUMPY", "a numpy array", "A frozen graph has operations too."),
    (rb"\x89PNG|\xff\xd8\xff|GIF8|RIFF....WEBP", "a picture", "Pass the model's file."),
    (rb"\s*[{\[]", "a JSON file", "Pass the .pb file that belongs to it."),
)  # fmt: skip
# What is in a zip archive that is something else: pattern of a member's name, and the same.
_ARCHIVES = (
    (r"model\.weights\.h5", "a Keras model", _KERAS),
    (r".*/data\.pkl", "a torch checkpoint", _TORCH),
    (r".*\.npy", "an .npz file of numpy arrays", "A frozen graph has operations too."),
)
_SUFFIXES = {
    ".meta": ("part of a TensorFlow 1 checkpoint", _FREEZE),
    ".index": ("part of a TensorFlow checkpoint", _FREEZE),
    ".ckpt": ("a TensorFlow checkpoint", _FREEZE),
}


def read_bytes(path: Path) -> bytes:
    """Content of a file that may be a frozen graph.

    Raises
    ------
    WeightsNotFoundError : there is no such file, or it cannot be read.
    CorruptFileError : it is no file, too large, empty, or something else; says what to do with it.
    """
    try:
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            raise CorruptFileError(_of_directory(path))
        if not stat.S_ISREG(status.st_mode):
            raise CorruptFileError(f"{path} is no regular file. A frozen graph is one .pb file.")
        if status.st_size > LARGEST_FILE:
            raise CorruptFileError(
                f"{path} has {status.st_size / 2**30:.1f} GB, and a graph cannot have more than "
                "2: keep fewer weights in it, or float16 ones."
            )
        content = path.read_bytes()
    except FileNotFoundError:
        raise WeightsNotFoundError(f"There is no file {path}.") from None
    except (OSError, ValueError) as error:
        if isinstance(error, CorruptFileError):
            raise
        raise WeightsNotFoundError(f"Cannot read {path}: {error}") from error
    if not content:
        raise CorruptFileError(f"{path} is empty. Download or save it again.")
    found = _something_else(path, content)
    if found:
        raise CorruptFileError(f"{path} is {found[0]}. {found[1]}")
    return content


def _of_directory(path: Path) -> str:
    if (path / "saved_model.pb").exists():
        return f"{path} is the directory of a SavedModel. Use Model.from_saved_model."
    return f"{path} is a directory. A frozen graph is a single .pb file."


def _something_else(path: Path, content: bytes) -> tuple[str, str] | None:
    if content.startswith(b"PK\x03\x04"):
        return _in_archive(content)
    for pattern, what, advice in _STARTS:
        if re.match(pattern, content[:600], re.DOTALL):
            return what, advice
    return _SUFFIXES.get(path.suffix)


def _in_archive(content: bytes) -> tuple[str, str]:
    try:
        members = zipfile.ZipFile(io.BytesIO(content)).namelist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError):
        members = []
    for pattern, what, advice in _ARCHIVES:
        if any(re.fullmatch(pattern, member) for member in members):
            return what, advice
    return "a zip archive", _UNPACK
