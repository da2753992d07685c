"""One file over HTTP, in as many attempts as it takes.

What has arrived is kept in a part file, with a note beside it of where it is from and which version
(ETag or Last-Modified) it is. The next attempt, or the next process, asks for the rest of that
version only (RFC 9110, sections 13.1.5 and 14).
"""

from __future__ import annotations

import base64
import hashlib
import json
import logging
import random
import re
import shutil
import socket
import sys
import time
import urllib.parse
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import requests
import urllib3

import lucidx
from lucidx.errors import DownloadError
from lucidx.misc.environment import is_notebook_environment
from lucidx.misc.io.writing import into_file

if TYPE_CHECKING:
    from lucidx.progress import tqdm

log = logging.getLogger(__name__)

CONNECT_TIMEOUT = 10.0  # seconds
READ_TIMEOUT = 30.0  # seconds without a byte
PATIENCE = 30.0  # seconds over which the rate is measured
SLOWEST = 1024  # bytes per second; what is slower is given up and asked for again
ATTEMPTS = 5  # in a row, without progress
PROGRESS = 2**16  # bytes further than any attempt before
BACKOFF = 1.0  # seconds before the second attempt; doubled for each one after it
LONGEST_WAIT = 60.0  # seconds before an attempt, even if the server asks for more

_CHUNK = 2**16


class _FailedAttempt(Exception):
    """An attempt failed in a way that another one may not."""

    def __init__(self, reason: str, *, connected: bool = True, wait: float = 0.0):
        super().__init__(reason)
        self.connected = connected
        self.wait = wait


class _Note(NamedTuple):
    """What is known of the file that a part is of."""

    address: str
    validator: str | None
    length: int | None
    md5: str | None  # base64, where the server states it


def transfer(address: str, part: Path, *, name: str, progress: bool) -> bool:
    """Fetch what is at an address into `part`, going on from what is there already.

    Parameters
    ----------
    address : begins with http:// or https://.
    part : file that is written; kept when this fails, so that the next call goes on from it.
    name : shown at the progress bar.
    progress : show one, if there is a terminal or notebook.

    Returns
    -------
    Whether the content came in pieces, from several answers of the server.

    Raises
    ------
    DownloadError : its message is the reason only, as the end of a sentence.
    OSError : `part` cannot be written.
    """
    _reach(address)
    failures, furthest, connected = 0, _size(part), False
    with requests.Session() as session, _progress_bar(name, progress) as bar:
        while True:
            try:
                return _attempt(session, address, part, bar)
            except _FailedAttempt as failure:
                connected = connected or failure.connected
                if _size(part) >= furthest + PROGRESS:
                    failures, furthest = 0, _size(part)
                failures += 1
                # Without a network, waiting would not help.
                if not connected:
                    raise DownloadError(str(failure)) from failure
                if failures >= ATTEMPTS:
                    raise DownloadError(f"{failure}, {failures} times in a row") from failure
                backoff = BACKOFF * 2 ** (failures - 1) * random.SystemRandom().uniform(0.5, 1.5)
                wait = min(max(backoff, failure.wait), LONGEST_WAIT)
                log.info("%s: %s; trying again in %.1f s", address, failure, wait)
                time.sleep(wait)


def discard(part: Path) -> None:
    """Remove a part file and its note."""
    part.unlink(missing_ok=True)
    _note_file(part).unlink(missing_ok=True)


def _reach(address: str) -> None:
    """Find out soon whether there is a network.

    requests would wait for every address of the host in turn, and large hosts have twenty.
    """
    if requests.utils.select_proxy(address, requests.utils.get_environ_proxies(address)):
        return
    parts = urllib.parse.urlsplit(address)
    port = parts.port or {"http": 80, "https": 443}[parts.scheme]
    reason: Exception | None = None
    try:
        places = socket.getaddrinfo(parts.hostname, port, type=socket.SOCK_STREAM)
        firsts = {family: place[:2] for family, *_, place in reversed(places)}
    except (OSError, UnicodeError) as error:
        reason, firsts = error, {}
    for place in firsts.values():
        try:
            socket.create_connection(place, timeout=CONNECT_TIMEOUT / len(firsts)).close()
            return
        except OSError as error:
            reason = error
    raise DownloadError(
        f"no connection to {parts.netloc} (is there a network?): {reason}"
    ) from reason


def _attempt(session: requests.Session, address: str, part: Path, bar: tqdm) -> bool:
    note, have = _read_note(part), _size(part)
    if note.address != address or not have:
        note, have = _Note(address, None, None, None), 0
    elif have == note.length:
        _check_md5(part, note)
        return True
    elif not note.validator or (note.length is not None and have > note.length):
        have = 0
    # Compressed, lengths and ranges would be those of something else than the file.
    headers = {"Accept-Encoding": "identity", "User-Agent": f"lucidx/{lucidx.__version__}"}
    if have:
        headers |= {"Range": f"bytes={have}-", "If-Range": note.validator}
    with _ask(session, address, headers) as response:
        goes_on = response.status_code == 206
        if goes_on:
            length = _check_rest(response.headers, have, note, part)
        else:
            _check_answer(address, response, part)
            length, have = _content_length(response.headers), 0
            discard(part)
            note = _Note(address, _validator(response.headers), length, _md5(response.headers))
            _write_note(part, note)
        room = shutil.disk_usage(part.parent).free
        if length is not None and length - have > room:
            raise DownloadError(
                f"it takes {length - have:,} bytes and {part.parent} has room for {room:,}"
            )
        bar.total, bar.n = length, have
        bar.refresh()
        with open(part, "ab" if goes_on else "wb") as file:
            _copy(response, file, room, bar)
    if length is not None and _size(part) != length:
        raise _FailedAttempt(f"the connection ended after {_size(part):,} of {length:,} bytes")
    _check_md5(part, note)
    return goes_on


def _ask(session: requests.Session, address: str, headers: dict[str, str]) -> requests.Response:
    host = urllib.parse.urlsplit(address).netloc
    try:
        response = session.get(
            address, headers=headers, stream=True, timeout=(CONNECT_TIMEOUT, READ_TIMEOUT)
        )
    except (requests.exceptions.SSLError, requests.exceptions.ProxyError) as error:
        raise _FailedAttempt(
            f"no connection to {host} ({_innermost(error)})", connected=False
        ) from error
    except requests.ConnectTimeout as error:
        raise _FailedAttempt(
            f"no answer from {host} in {CONNECT_TIMEOUT:g} s (is there a network?)", connected=False
        ) from error
    except (requests.ConnectionError, requests.Timeout) as error:
        cause = getattr(error.args[0], "reason", None) if error.args else None
        if isinstance(cause, urllib3.exceptions.NewConnectionError):
            raise _FailedAttempt(
                f"no connection to {host} (is there a network?)", connected=False
            ) from error
        raise _FailedAttempt(f"the connection broke ({_innermost(error)})") from error
    except (requests.RequestException, UnicodeError) as error:
        raise DownloadError(str(error)) from error
    if address.lower().startswith("https:") and not response.url.startswith("https:"):
        response.close()
        raise DownloadError(f"it leads to {response.url}, which is not encrypted")
    return response


def _check_answer(address: str, response: requests.Response, part: Path) -> None:
    """Find out whether an answer holds the file from its start."""
    status, headers = response.status_code, response.headers
    if status == 416:
        discard(part)
        raise _FailedAttempt("the server refused to send the rest")
    said = f"the server answered {status} {response.reason or ''}".strip()
    if status in (408, 429) or status >= 500:
        raise _FailedAttempt(said, wait=_retry_after(headers))
    if status != 200:
        raise DownloadError(said)
    encoding = headers.get("Content-Encoding", "identity")
    if encoding != "identity":
        raise DownloadError(f"the server compresses it ({encoding}), although asked not to")
    is_page = headers.get("Content-Type", "").startswith("text/html")
    if is_page and not re.search(r"\.html?$", address, re.IGNORECASE):
        raise DownloadError("the server answered with a web page, not with a file")
    if _content_length(headers) is None and headers.get("Transfer-Encoding") != "chunked":
        raise DownloadError("the server does not say how long it is, so a cut would go unnoticed")


def _check_rest(headers: Mapping[str, str], have: int, note: _Note, part: Path) -> int:
    """Length of the whole file, if the answer is the rest of the part."""
    form = r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18})"
    match = re.fullmatch(form, headers.get("Content-Range", ""))
    start, end, length = map(int, match.groups()) if match else (-1, -1, -1)
    fits = (
        0 < have == start
        and end + 1 == length == (length if note.length is None else note.length)
        and _content_length(headers) in (None, length - start)
        and _validator(headers) in (None, note.validator)
        and headers.get("Content-Encoding", "identity") == "identity"
    )
    if not fits:
        discard(part)
        raise _FailedAttempt("the server sent another range than the one asked for")
    return length


def _copy(response: requests.Response, file: Any, room: int, bar: tqdm) -> None:
    copied, measured, since = 0, 0, time.monotonic()
    while True:
        try:
            chunk = response.raw.read1(_CHUNK, decode_content=False)
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise _FailedAttempt(f"the connection broke ({_innermost(error)})") from error
        if not chunk:
            return
        file.write(chunk)
        bar.update(len(chunk))
        copied += len(chunk)
        # Only where the server did not say how much it sends.
        if copied > room:
            raise DownloadError(f"it does not end, and {file.name} took all the room there was")
        if time.monotonic() - since >= PATIENCE:
            if copied - measured < SLOWEST * PATIENCE:
                raise _FailedAttempt(f"less than {SLOWEST} bytes per second arrived")
            measured, since = copied, time.monotonic()


def _content_length(headers: Mapping[str, str]) -> int | None:
    given = headers.get("Content-Length", "")
    return int(given) if re.fullmatch(r"\d{1,18}", given) else None


def _validator(headers: Mapping[str, str]) -> str | None:
    """What tells this version of a file from others, byte for byte."""
    tag = headers.get("ETag", "")
    return tag if tag.startswith('"') else headers.get("Last-Modified")


def _md5(headers: Mapping[str, str]) -> str | None:
    """What Google's storage says of a file, in base64: a check where nothing else is known."""
    if headers.get("x-goog-stored-content-encoding", "identity") != "identity":
        return None  # that of the compressed file
    match = re.search("md5=([A-Za-z0-9+/]{22}==)", headers.get("x-goog-hash", ""))
    return match and match[1]


def _check_md5(part: Path, note: _Note) -> None:
    if note.md5 is None:
        return
    with open(part, "rb") as file:
        digest = hashlib.md5(usedforsecurity=False)
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    if base64.b64encode(digest.digest()).decode() != note.md5:
        discard(part)
        raise _FailedAttempt("what arrived is not what the server says it sent (md5)")


def _retry_after(headers: Mapping[str, str]) -> float:
    try:
        return urllib3.Retry().parse_retry_after(headers.get("Retry-After", "0"))
    except urllib3.exceptions.InvalidHeader:
        return 0.0


def _size(part: Path) -> int:
    try:
        return part.stat().st_size
    except FileNotFoundError:
        return 0


def _note_file(part: Path) -> Path:
    return part.with_name(f"{part.name}.json")


def _write_note(part: Path, note: _Note) -> None:
    with into_file(_note_file(part)) as file:
        file.write(json.dumps(note._asdict()).encode())


def _read_note(part: Path) -> _Note:
    nothing = _Note("", None, None, None)
    try:
        note = _Note(**json.loads(_note_file(part).read_text("utf-8")))
    except (FileNotFoundError, ValueError, TypeError, RecursionError):
        return nothing
    sound = (
        isinstance(note.validator, str | None)
        and isinstance(note.length, int | None)
        and isinstance(note.md5, str | None)
    )
    return note if sound else nothing


def _innermost(error: BaseException) -> BaseException:
    """What requests and urllib3 have wrapped, for a message that can be read."""
    inner = [e for e in (getattr(error, "reason", None), *error.args) if isinstance(e, Exception)]
    return _innermost(inner[0]) if inner else error


def _progress_bar(name: str, wanted: bool) -> tqdm:
    from lucidx.progress import tqdm

    shown = wanted and (is_notebook_environment() or getattr(sys.stderr, "isatty", bool)())
    return tqdm(desc=name, unit="B", unit_scale=True, unit_divisor=1024, disable=not shown)
