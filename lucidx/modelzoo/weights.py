"""Where a model's weights are, and how they get onto this machine.

Looked for in this order: the directories in the environment variable LUCIDX_MODELS, the cache
directory (LUCIDX_CACHE overrides its place), then the sources that the model's manifest names.
Files in the cache are checked whenever they are used; those in LUCIDX_MODELS are the user's own.
"""

from __future__ import annotations

import contextlib
import importlib.util
import logging
import os
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from lucidx.errors import (
    ChangedFileError,
    InvalidValueError,
    LucidxError,
    WeightsNotFoundError,
)
from lucidx.modelzoo import cache, downloads, manifests
from lucidx.modelzoo.cache import cache_directory

if TYPE_CHECKING:
    from lucidx.modelzoo.vision_base import Model

log = logging.getLogger(__name__)

Source = Mapping[str, Any]
State = Literal["ok", "damaged", "unpinned", "not here"]


def search_paths(name: str) -> list[Path]:
    """Files that may hold the weights of the model called `name`, in the order they are tried."""
    listed = os.environ.get("LUCIDX_MODELS", "").split(os.pathsep)
    directories = [Path(d).expanduser() for d in listed if d] + [cache_directory() / "models"]
    return [directory / f"{name}.pb" for directory in directories]


def find(model: Model) -> Path | Mapping[str, Any]:
    """The file with a model's graph, or the manifest's entry of the installed package with it.

    Never uses the network.

    Raises
    ------
    WeightsNotFoundError : says where the weights were looked for and how to get them.
    """
    found = _here(model)
    if found is None:
        raise WeightsNotFoundError(_not_found(model))
    return found


def get(model: Model) -> Path | Mapping[str, Any]:
    """As `find`, but weights that are not here are fetched, and files in the cache are checked.

    The sources are tried in order. A progress bar is shown if there is a terminal or notebook.

    Raises
    ------
    WeightsNotFoundError : they are not here and no source works; says why, for each, and what to do
        without a network.
    ChangedFileError : the file in the cache, or what a source holds, is not the expected one.
    """
    found = _here(model)
    fetchable = _fetchable(_sources(model))
    if found is None:
        return _fetch(model, fetchable) if fetchable else find(model)
    if fetchable and found == _places(model)[-1]:
        try:
            downloads.check(found, *fetchable)
        except ChangedFileError as error:
            raise ChangedFileError(
                f"{error} `lucidx models remove {_removable(model)}` does so. A file of your own "
                "belongs into a directory in LUCIDX_MODELS."
            ) from error
    return found


def verify(name: str) -> tuple[State, Path]:
    """Compare a file in the cache with what is known of it.

    Parameters
    ----------
    name : of a model of the catalogue; or the address that the file was fetched from.

    Returns
    -------
    The file's place in the cache, and `"ok"`; `"damaged"`, or another file; `"unpinned"` if nothing
    is known of it; or `"not here"`.

    Raises
    ------
    UnknownModelError : no such name; the closest ones are offered.
    InvalidValueError : nothing can be fetched from such an address.
    """
    sources, target = cached(name)
    if not target.is_file():
        return "not here", target
    expected = [digest for source in sources if (digest := downloads.expected_sha256(source))]
    if not expected:
        return "unpinned", target
    return ("ok" if cache.sha256_of(target) in expected else "damaged"), target


def remove(name: str, *, forget: bool = False) -> list[Path]:
    """Delete a file from the cache, and what fetching it left.

    Parameters
    ----------
    name : of a model of the catalogue; or the address that the file was fetched from.
    forget : also forget which file was there, so that another is trusted next time.

    Returns
    -------
    The files that were deleted: what was fetched, remains of fetching, records of pins.

    Raises
    ------
    UnknownModelError : no such name; the closest ones are offered.
    InvalidValueError : nothing can be fetched from such an address.
    """
    sources, target = cached(name)
    doomed = [target, *downloads.leftovers(target)]
    if forget:
        doomed += [cache.pin_file(downloads.pin_address(source)) for source in sources]
    if not any(path.is_file() for path in doomed):
        return []
    with downloads.lock(target):
        removed = [path for path in doomed if path.is_file()]
        for path in removed:
            path.unlink()
    return removed


def cached(name: str) -> tuple[list[dict[str, Any]], Path]:
    """Sources of a model of the catalogue, or an address as such, and the place in the cache.

    Raises
    ------
    UnknownModelError : no such name; the closest ones are offered.
    InvalidValueError : nothing can be fetched from such an address.
    """
    if downloads.is_remote(name):
        return [{"url": name}], downloads.cached_path(name)
    return _fetchable(manifests.manifest(name)["sources"]), search_paths(name)[-1]


def _here(model: Model) -> Path | Source | None:
    own = _own_graph(model)
    if own and not downloads.is_remote(own):
        path = Path(own)
        if path.is_file():
            return path
        raise WeightsNotFoundError(f"The graph of {model.name} should be at {path}: no such file.")
    for candidate in _places(model):
        if candidate.is_file():
            return candidate
    for source in _sources(model):
        if source["kind"] == "package" and importlib.util.find_spec(_module(source)):
            return source
    return None


def _sources(model: Model) -> Sequence[Source]:
    """Where the weights come from: the catalogue's, or the address that a user's model names."""
    if not _is_users_own(model):
        return model.catalogue_entry.get("sources", [])
    address = _address(model)
    return [{"kind": "url", "url": address}] if address else []


def _address(model: Model) -> str | None:
    """The address that a model of the user's own names, if it can be fetched."""
    own = _own_graph(model)
    if own:
        with contextlib.suppress(InvalidValueError):
            return downloads.public_address(own)
    return None


def _own_graph(model: Model) -> str | None:
    """The path, within the current `io_scope`, or address that a model of the user's own names."""
    if not (_is_users_own(model) and model.model_path):
        return None
    from lucidx.misc.io.scoping import scope_url  # with numpy and Pillow, so only where needed

    return scope_url(model.model_path)


def _removable(model: Model) -> str:
    """What to call a model's file in the cache on the command line."""
    return shlex.quote(_address(model) or model.name)


def _is_users_own(model: Model) -> bool:
    entry = model.catalogue_entry
    return not entry or bool(model.model_path and model.model_path != entry["model_path"])


def _places(model: Model) -> list[Path]:
    """Where the weights may be; the last is where they are put."""
    *directories, by_name = search_paths(model.name)
    address = _address(model)
    # A name of the user's may be another model's too.
    return [*directories, downloads.cached_path(address) if address else by_name]


def _fetchable(sources: Sequence[Source]) -> list[dict[str, Any]]:
    """Those of the sources that are addresses, as `downloads` takes them."""
    return [
        {k: v for k, v in source.items() if k != "kind"}
        for source in sources
        if source["kind"] == "url"
    ]


def _fetch(model: Model, sources: Sequence[dict[str, Any]]) -> Path:
    target, failures = _places(model)[-1], []
    for source in sources:
        try:
            return downloads.fetch(target=target, **source)
        except LucidxError as error:
            log.info("%s", error)
            failures.append(error)
    changed = [error for error in failures if isinstance(error, ChangedFileError)]
    reasons = " ".join(
        dict.fromkeys(f"{getattr(e, 'reason', e)}".rstrip(".") + "." for e in failures)
    )
    message = _not_found(model, reasons)
    if not changed:
        raise WeightsNotFoundError(message) from failures[0]
    if not all(map(downloads.published_sha256, sources)):
        message += (
            f" To forget what was fetched first: lucidx models remove {_removable(model)} --forget"
        )
    raise ChangedFileError(message) from changed[0]


def _not_found(model: Model, failures: str = "") -> str:
    places = _places(model)
    return (
        f"The weights of {model.name} are not on this machine. Looked for "
        f"{', '.join(map(str, places))}. {failures}{' ' if failures else ''}To get them, "
        f"{'; or '.join(_ways_to_get(model, places[-1], fetch=not failures))}; or name the "
        f"directory that holds {model.name}.pb in LUCIDX_MODELS."
    )


def _ways_to_get(model: Model, target: Path, *, fetch: bool) -> list[str]:
    sources = _sources(model)
    fetchable = _fetchable(sources)
    if not sources:
        path = f" (in Lucid: {model.model_path})" if model.model_path else ""
        return [f"put the frozen graph{path} at {target}"]
    ways = []
    if fetch and fetchable and model.catalogue_name:
        ways.append(f"run: lucidx models fetch {model.name}")
    ways += [f"run: pip install {s['package']}" for s in sources if s["kind"] == "package"]
    # Where something is known of the file, one that nothing is known of would not be accepted.
    known = [source for source in fetchable if downloads.published_sha256(source)]
    return ways + [downloads.how_to_get(target=target, **s) for s in known or fetchable]


def _module(source: Source) -> str:
    return source["package"].replace("-", "_")
