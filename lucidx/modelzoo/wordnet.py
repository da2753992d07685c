"""ImageNet's classes as WordNet synsets, at Lucid's import path.

Ids and names of the classes come with lucidx. Synsets, which know their hypernyms and definitions,
are nltk's: they need the extra `wordnet` and nltk's corpus of that name (WordNet 3.0, whose offsets
ImageNet's ids are), which `python -m nltk.downloader wordnet` fetches.
"""

from __future__ import annotations

import functools
import re
import warnings
from typing import TYPE_CHECKING, Any

from lucidx.errors import InvalidValueError, LucidxError, MissingExtraError, did_you_mean
from lucidx.modelzoo import manifests

if TYPE_CHECKING:
    from nltk.corpus.reader.wordnet import Synset

IMAGENET_SYNSETS_PATH = "gs://modelzoo/labels/ImageNet_standard_synsets.txt"
_SYNSETS_FILE, _NAMES_FILE = "ImageNet_standard_synsets.txt", "ImageNet_standard.txt"


class CorpusNotFoundError(LucidxError, LookupError):
    """nltk is installed, its corpus of WordNet is not on this machine."""


def id_from_synset(synset: Synset) -> str:
    """WordNet id of a synset: part of speech and offset, such as `"n01484850"`."""
    return f"{synset.pos()}{synset.offset():08d}"


def synset_from_id(id_str: str) -> Synset:
    """The synset of a WordNet id such as `"n01484850"`.

    Raises
    ------
    InvalidValueError : not the form of an id, or WordNet has no such synset.
    MissingExtraError, CorpusNotFoundError : nltk or its corpus is not here.
    """
    if not (isinstance(id_str, str) and re.fullmatch(r"[nvasr][0-9]{8}", id_str)):
        raise InvalidValueError(
            f"A WordNet id is a letter and eight digits, such as 'n01484850'; got {id_str!r}."
        )
    wordnet = _corpus()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        synset = wordnet.synset_from_pos_and_offset(id_str[0], int(id_str[1:]))
    if synset is None:
        raise InvalidValueError(f"WordNet {wordnet.get_version()} has no synset {id_str!r}.")
    return synset


def imagenet_synset_ids() -> list[str]:
    """WordNet ids of the 1000 classes of ImageNet, in the order of ILSVRC; needs no nltk."""
    return list(manifests.lines(_SYNSETS_FILE))


def imagenet_names() -> dict[str, str]:
    """Names of the 1000 classes of ImageNet by their WordNet ids; needs no nltk."""
    return dict(zip(manifests.lines(_SYNSETS_FILE), manifests.lines(_NAMES_FILE), strict=True))


def imagenet_synsets() -> list[Synset]:
    """Synsets of the 1000 classes of ImageNet, in the order of ILSVRC.

    Raises
    ------
    MissingExtraError, CorpusNotFoundError : nltk or its corpus is not here.
    """
    return list(_imagenet_synsets())


@functools.lru_cache(1)
def _imagenet_synsets() -> tuple[Synset, ...]:
    return tuple(map(synset_from_id, imagenet_synset_ids()))


def imagenet_synset_from_description(search_term: str) -> Synset:
    """The class of ImageNet that a description means.

    That is the one which has the description as one of its lemmas, in any case; failing that, the
    one whose name contains it. `"white shark"` is `great_white_shark.n.01`, `"tiger"` the cat
    rather than the tiger shark.

    Raises
    ------
    InvalidValueError : it means no class, or several, which the message names.
    MissingExtraError, CorpusNotFoundError : nltk or its corpus is not here.
    """
    term = search_term.strip().lower().replace(" ", "_")
    if not term:
        raise InvalidValueError("A description has at least one letter.")
    synsets = _imagenet_synsets()
    lemmas = {synset: [name.lower() for name in synset.lemma_names()] for synset in synsets}
    found = [synset for synset in synsets if term in lemmas[synset]]
    found = found or [synset for synset in synsets if term in synset.name()]
    if len(found) == 1:
        return found[0]
    if found:
        names = ", ".join(synset.name() for synset in found)
        raise InvalidValueError(f"{search_term!r} means several classes: {names}. Say which.")
    known = (name.replace("_", " ") for names in lemmas.values() for name in names)
    raise InvalidValueError(
        f"No class of ImageNet is called {search_term!r}. {did_you_mean(search_term, known)}"
    )


def _corpus() -> Any:
    """Reader of the corpus of WordNet, loaded."""
    try:
        from nltk.corpus import wordnet
    except ImportError as error:
        raise MissingExtraError("nltk", "wordnet", "Looking synsets up") from error
    try:
        wordnet.ensure_loaded()
    except LookupError as error:
        raise CorpusNotFoundError(
            "Looking synsets up needs nltk's corpus of WordNet, which is not on this machine: "
            "python -m nltk.downloader wordnet. Ids and names of ImageNet's classes are here "
            "without it: wordnet.imagenet_names()."
        ) from error
    return wordnet
