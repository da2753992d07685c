"""Stands in for `google.colab.files`."""

import os
from typing import NoReturn

from lucidx.errors import ColabOnlyError


def download(filename: str | os.PathLike[str]) -> None:
    """Say where the file is: it is on this machine already.

    Raises
    ------
    FileNotFoundError : there is no such file.
    """
    os.stat(filename)
    print(f"lucidx.compat: no need to download {os.path.abspath(filename)}, it is here.")


def upload(target_dir: str = "") -> NoReturn:
    """Raise an error that says what to do instead.

    Raises
    ------
    ColabOnlyError : always. This would open a dialog of Colab's.
    """
    raise ColabOnlyError(
        "files.upload() opens a dialog of Google Colab, and this is not Colab. Copy the files "
        f"to {os.path.abspath(target_dir)!r} and write what the dialog would have given: "
        "uploaded = {'photo.jpg': open('photo.jpg', 'rb').read()}"
    )
