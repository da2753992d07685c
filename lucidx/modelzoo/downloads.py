"""Remote files on this machine: fetched once, checked, never seen half.

A download goes to a part file beside its target, under a lock, is checked against the sha256 that
is known of it (published, or pinned when the address was first used), and only then gets its name.
LUCIDX_OFFLINE=1 forbids the network.
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
import urllib.parse
import zipfile
from collections.abc import Iterator
from pathlib import Path

from lucidx.errors import (
    ChangedFileError,
    CorruptFileError,
    DownloadError,
    InvalidValueError,
    LucidxError,
    did_you_mean,
)
from lucidx.modelzoo import cache

log = logging.getLogger(__name__)

LARGEST_MEMBER = 2**32  # bytes unpacked; a frozen graph cannot have more than 2**31


def offline() -> bool:
    """Whether the environment variable LUCIDX_OFFLINE forbids the network."""
    return os.environ.get("LUCIDX_OFFLINE", "0") not in ("", "0")


def is_remote(address: object) -> bool:
    """Whether this is an address rather than a path: begins with gs:// or another scheme."""
    return bool(re.match(r"[a-zA-Z][a-zA-Z0-9+.-]+://", str(address)))


def public_address(url: str) -> str:
    """The https address of a public file.

    Parameters
    ----------
    url : gs://bucket/path, whose path is taken literally; or https:// or http://, which are
        returned as they are.

    Raises
    ------
    InvalidValueError : anything else.
    """
    scheme, _, rest = str(url).partition("://")
    if scheme.lower() == "gs":
        bucket, _, path = rest.partition("/")
        if re.fullmatch(r"[A-Za-z0-9][\w.-]*", bucket, re.ASCII) and path:
            return f"https://storage.googleapis.com/{bucket}/{urllib.parse.quote(path)}"
    elif scheme.lower() in ("http", "https"):
        with contextlib.suppress(ValueError):  # brackets without an IPv6 address, odd ports
            parts = urllib.parse.urlsplit(url)
            if parts.hostname and parts.port != 0:
                return url
    raise InvalidValueError(
        f"{url!r} is not the address of a file. Such an address is gs://bucket/path, "
        "https://host/path or http://host/path."
    )


def cached(url: str, *, sha256: str | None = None, progress: bool = True) -> Path:
    """A remote file in the cache directory, fetched if it is not there.

    The copy is kept, and used whatever becomes of the original. For what is at the address now,
    run `lucidx models remove --forget ADDRESS` first, or `lucidx.modelzoo.weights.remove`.

    Parameters
    ----------
    url, sha256, progress : as in `fetch`.

    Raises
    ------
    As `fetch`.
    """
    return fetch(url, cached_path(url), sha256=sha256, progress=progress)


def cached_path(url: str) -> Path:
    """Where `cached` keeps a file."""
    return cache.cache_directory() / "files" / cache.file_name(public_address(url))


def kept() -> list[str]:
    """Addresses of the files that `cached` keeps, other than those that were given a sha256.

    Raises
    ------
    CorruptFileError : the record of what an address held is damaged.
    """
    return [address for address in cache.pinned_addresses() if cached_path(address).is_file()]


def fetch(
    url: str,
    target: Path,
    *,
    sha256: str | None = None,
    member: str | None = None,
    member_sha256: str | None = None,
    progress: bool = True,
) -> Path:
    """A remote file at `target`: fetched if there is none, and checked in any case.

    Several processes that ask for the same file fetch it once. A fetch that was killed goes on
    where it was.

    Parameters
    ----------
    url : as in `public_address`.
    target : the file; its directory is made.
    sha256 : hex digest of what is at the address. If none is known of what is kept, that of the
        first fetch is expected of every later one.
    member : name of the one file to take out of the zip archive at the address.
    member_sha256 : hex digest of that file.
    progress : show a progress bar on stderr, if that is a terminal or this is a notebook.

    Returns
    -------
    `target`

    Raises
    ------
    DownloadError : it cannot be fetched; says why, and how to get it by other means.
    ChangedFileError : the sha256 is not the expected one; says both. Nothing is kept of a download.
    CorruptFileError : the archive is damaged or has no such member.
    InvalidValueError : `url` is not the address of a file.
    """
    source = {"url": url, "sha256": sha256, "member": member, "member_sha256": member_sha256}
    public_address(url)
    if not target.is_file():
        if offline():
            raise _failure("LUCIDX_OFFLINE forbids the network", target, source)
        try:
            with lock(target):
                if not target.is_file():
                    _fetch(target, progress=progress, **source)
                    return target
        except LucidxError:  # of which DownloadError is an OSError
            raise
        except OSError as error:
            raise DownloadError(
                f"{target} cannot be written: {error}. The environment variable LUCIDX_CACHE names "
                "another directory."
            ) from error
    check(target, source)
    return target


def check(path: Path, *sources: dict[str, str | None]) -> None:
    """Check a file against what is known of the places it may be from.

    If nothing is known of any, the file is trusted, and the first is pinned to it.

    Parameters
    ----------
    path : the file.
    *sources : `"url"`, `"sha256"`, `"member"` and `"member_sha256"` as in `fetch`; all but the
        first may be missing.

    Raises
    ------
    ChangedFileError : its sha256 is none of those expected.
    """
    expected = [digest for source in sources if (digest := expected_sha256(source))]
    found = cache.sha256_of(path)
    if not expected and sources:
        with contextlib.suppress(OSError):  # a cache that cannot be written to cannot change either
            cache.pin(pin_address(sources[0]), found)
    elif expected and found not in expected:
        raise ChangedFileError(
            f"{path} has sha256 {found} instead of {' or '.join(dict.fromkeys(expected))}: it is "
            "damaged or another file. Delete it to have it fetched anew."
        )


def expected_sha256(source: dict[str, str | None]) -> str | None:
    """Hex digest that the file kept of a source must have: published or pinned; or None."""
    return published_sha256(source) or cache.pinned(pin_address(source))


def published_sha256(source: dict[str, str | None]) -> str | None:
    """Hex digest that is known beforehand of the file kept of a source, or None."""
    known = source.get("member_sha256") if source.get("member") else source.get("sha256")
    return known.lower() if known else None


def pin_address(source: dict[str, str | None]) -> str:
    """What names the file of a source among the pins."""
    address = public_address(source["url"])
    return f"{address}#{source['member']}" if source.get("member") else address


def how_to_get(
    url: str, target: Path, *, sha256: str | None = None, member: str | None = None,
    member_sha256: str | None = None,
) -> str:  # fmt: skip
    """What to do without lucidx for the same result as `fetch`, as part of a sentence."""
    digest = member_sha256 if member else sha256
    return (
        f"download {public_address(url)}{f', take {member} out of it' if member else ''}"
        f"{f' (sha256 {digest})' if digest else ''} and put it at {target}"
    )


def leftovers(target: Path) -> list[Path]:
    """Files that an interrupted fetch of `target` may have left."""
    part = _part(target)
    return [part, part.with_name(f"{part.name}.json"), _unpacked(target)]


@contextlib.contextmanager
def lock(target: Path) -> Iterator[None]:
    """Hold off other processes that want to write `target`; waits for those that do."""
    import filelock

    target.parent.mkdir(parents=True, exist_ok=True)
    held = filelock.FileLock(f"{target}.lock")
    try:
        held.acquire(timeout=2)
    except filelock.Timeout:
        log.warning("Waiting for another process that is fetching %s.", target.name)
        held.acquire()
    try:
        yield
    finally:
        held.release()


def _part(target: Path) -> Path:
    return target.with_name(f"{target.name}.part")


def _unpacked(target: Path) -> Path:
    return target.with_name(f"{target.name}.unpacked")


def _fetch(target: Path, *, progress: bool, **source: str | None) -> None:
    # At the first import, requests takes a tenth of a second.
    from lucidx.modelzoo.transfer import discard, transfer

    part = _part(target)
    address = public_address(source["url"])
    for last in (False, True):
        try:
            resumed = transfer(address, part, name=target.name, progress=progress)
        except DownloadError as error:
            raise _failure(f"{address} cannot be fetched: {error}", target, source) from error
        try:
            ready = _checked(part, target, source)
            break
        except CorruptFileError as error:
            discard(part)
            if last or not resumed:
                raise
            log.info("%s; fetching it again from the start", error)
    with open(ready, "rb+") as file:
        os.fsync(file.fileno())
    if not expected_sha256(source):
        cache.pin(pin_address(source), cache.sha256_of(ready))
    os.replace(ready, target)
    discard(part)


def _failure(reason: str, target: Path, source: dict[str, str | None]) -> DownloadError:
    by_hand = how_to_get(target=target, **source)
    return DownloadError(f"{reason}. To get the file in another way, {by_hand}.", reason)


def _checked(part: Path, target: Path, source: dict[str, str | None]) -> Path:
    """The file to keep of a download: all of it, or the one taken out of the archive."""
    address, member = public_address(source["url"]), source["member"]
    if not member:
        _check_download(part, address, source["sha256"], pin_address(source))
        return part
    if source["sha256"]:
        _check_download(part, address, source["sha256"])
    unpacked = _unpacked(target)
    try:
        with open(unpacked, "wb") as file:
            for chunk in _member(part, member, address):
                file.write(chunk)
        where = f"{member} in {address}"
        _check_download(unpacked, where, source["member_sha256"], pin_address(source))
    except BaseException:
        unpacked.unlink(missing_ok=True)
        raise
    return unpacked


def _check_download(
    path: Path, what: str, published: str | None, pin_address: str | None = None
) -> None:
    found = cache.sha256_of(path)
    if published:
        if found != published.lower():
            raise ChangedFileError(
                f"{what} has sha256 {found} instead of {published}: it was changed, there or on "
                "the way. Nothing is kept of it. Try again, or get the file from somewhere else."
            )
        return
    pinned = cache.pinned(pin_address)
    if pinned and found != pinned:
        raise ChangedFileError(
            f"{what} has sha256 {found} instead of {pinned}, which it had when it was first "
            "fetched. Nothing is kept of it. If the new file is to be trusted, delete "
            f"{cache.pin_file(pin_address)}, which remembers the old one."
        )


def _member(archive_path: Path, member: str, address: str) -> Iterator[bytes]:
    """The content of one member of a zip archive, in pieces."""
    try:
        with zipfile.ZipFile(archive_path) as archive:
            if member not in archive.namelist():
                raise CorruptFileError(
                    f"{address} has no {member!r}. {did_you_mean(member, archive.namelist())}"
                )
            left = archive.getinfo(member).file_size
            if left > LARGEST_MEMBER:
                raise CorruptFileError(
                    f"{member} in {address} would have {left:,} bytes; at most "
                    f"{LARGEST_MEMBER:,} are unpacked."
                )
            with archive.open(member) as packed:
                while left >= 0 and (chunk := packed.read(1 << 20)):
                    yield chunk
                    left -= len(chunk)
    except CorruptFileError:
        raise
    except Exception as error:  # zipfile raises nearly anything on damaged files
        raise CorruptFileError(f"{address} is a damaged zip archive, or none: {error}") from error
    if left:
        raise CorruptFileError(f"{member} in {address} has not the length that is stated for it.")
