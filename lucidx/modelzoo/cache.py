"""The cache directory, and what is known of the files in it: their sha256, and pins.

A pin is the sha256 that an address had when something was first fetched from it, for addresses of
which no sha256 was published. A pin outlives the file.
"""

from __future__ import annotations

import datetime
import functools
import hashlib
import json
import os
import re
import urllib.parse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import platformdirs

from lucidx.errors import CorruptFileError

_LONGEST_NAME = 80  # characters of an address's last part in a file's name


def cache_directory() -> Path:
    """Directory for files that lucidx fetches or makes; LUCIDX_CACHE overrides its place."""
    chosen = os.environ.get("LUCIDX_CACHE") or platformdirs.user_cache_dir("lucidx")
    return Path(chosen).expanduser()


def file_name(address: str) -> str:
    """File name for what is at an address: readable, no other address's, with its extension."""
    last = urllib.parse.urlsplit(address).path.rpartition("/")[2]
    readable = re.sub(r"[^A-Za-z0-9_.-]+", "-", urllib.parse.unquote(last)).strip(".-")
    stem, extension = os.path.splitext(readable)
    if not re.fullmatch(r"\.[A-Za-z0-9]{1,10}", extension):
        stem, extension = readable, ""
    unique = hashlib.sha256(address.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    return f"{stem[:_LONGEST_NAME] or 'file'}-{unique}{extension}"


def sha256_of(path: Path) -> str:
    """Hex digest of a file; a file that has not changed is read once per process."""
    status = path.stat()
    return _sha256(path, status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)


@functools.lru_cache(1024)
def _sha256(path: Path, *version: int) -> str:
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


def pin_file(address: str) -> Path:
    """Where the pin of an address is kept."""
    return cache_directory() / "pins" / f"{file_name(address)}.json"


def pinned(address: str) -> str | None:
    """The sha256 that an address is pinned to, or None.

    Raises
    ------
    CorruptFileError : the record of it is damaged.
    """
    try:
        return _record(pin_file(address))["sha256"]
    except FileNotFoundError:
        return None


def pinned_addresses() -> Iterator[str]:
    """The addresses that are pinned.

    Raises
    ------
    CorruptFileError : the record of one is damaged.
    """
    # Names that begin with a dot are of files being written.
    for file in sorted((cache_directory() / "pins").glob("[!.]*.json")):
        yield _record(file)["address"]


def _record(file: Path) -> dict[str, Any]:
    try:
        record = json.loads(file.read_text("utf-8"))
        if re.fullmatch("[0-9a-f]{64}", record["sha256"]) and pin_file(record["address"]) == file:
            return record
    except FileNotFoundError:
        raise
    except (ValueError, TypeError, AttributeError, LookupError, RecursionError):
        pass
    raise CorruptFileError(
        f"{file}, which says what an address held when it was first fetched, is damaged. Delete it "
        "to trust what is fetched next."
    )


def pin(address: str, sha256: str) -> None:
    """Expect this sha256 of an address from now on."""
    # It brings Pillow, for which the many that only read pins need not wait.
    from lucidx.misc.io.writing import into_file

    record = {"address": address, "sha256": sha256, "date": f"{datetime.date.today():%Y-%m-%d}"}
    with into_file(pin_file(address)) as file:
        file.write(f"{json.dumps(record, indent=2)}\n".encode())
