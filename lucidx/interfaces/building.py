"""From an interface, a model and a photo to a page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import lucidx
from lucidx.errors import InvalidTypeError
from lucidx.interfaces import named, panels, photos, presets, words
from lucidx.interfaces.compute import Classes, Progress, Results, find_classes, run
from lucidx.interfaces.grammar import INPUT, OUTPUT, Element, Interface
from lucidx.interfaces.page import Page
from lucidx.interfaces.planning import Plan, plan, quality_of
from lucidx.modelzoo.importing import check_model
from lucidx.modelzoo.vision_base import Model

SHOWN_CLASSES = 3


def build(
    interface: Interface | Element | str,
    model: Model,
    photo: Any,
    *,
    classes: Sequence[str | int] | str | int | None = None,
    layers: Sequence[str] | str | None = None,
    quality: str = "fast",
    seed: int = 0,
    progress: Progress | None = None,
) -> Page:
    """Make a page that shows what a model does with a photo.

    Parameters
    ----------
    interface : a union of elements, or the name of one of `presets.PRESETS`.
    model : a classifier; interfaces without classes take any model.
    photo : path of a picture, or an array `[H, W]` or `[H, W, C]` (C 1, 3 or 4): floats in 0..1,
        uint8 or uint16. It is cropped about its middle and resized to what the model takes.
    classes : labels or indices of the classes that the page is about; or how many of the top
        predictions. By default three. Interfaces that are about none leave them aside.
    layers : names of those that a preset shows, the lowest first, or of one; by default such that
        stand for the model.
    quality : `"fast"`, or `"full"` for larger and more carefully drawn icons.
    seed : decides everything random.
    progress : called with the part done, 0 to 1, and what is done next.

    Returns
    -------
    The page: `.save("page.html")` writes it, `.show()` shows it in a notebook.

    Raises
    ------
    UnknownLayerError, InvalidValueError, InvalidTypeError : what was asked is impossible, and why;
        nearly always before anything is computed.
    CorruptFileError : the photo cannot be read.
    NonFiniteLossError : drawing an icon failed.

    Examples
    --------
    >>> page = build("semantic-dictionary", lucidx.load("InceptionV1"), "dog_cat.jpg")
    >>> page.save("dictionary.html")
    """
    check_model(model)
    settings = quality_of(quality)
    read = photos.read(photo, model)
    name = interface if isinstance(interface, str) else None
    if name is None:
        interface = _own(interface, layers)
    else:
        interface = named.interface(name, model, read.image, layers)
    asked = SHOWN_CLASSES if classes is None else classes
    found = find_classes(model, read, asked) if interface.of_classes else Classes()
    if name is not None:
        named.check_classes(name, interface, model, found.labels)
    work = plan(interface, model, found.indices, quality)
    results = run(work, Results(model, read, found, settings, seed), progress)
    return Page(_data(work, results))


def _own(interface: Interface | Element, layers: Any) -> Interface:
    """An interface of the user's."""
    if layers is not None:
        raise InvalidTypeError("An interface of yours names its layers itself; leave out `layers`.")
    if isinstance(interface, Element):
        interface = Interface((interface,))
    if not isinstance(interface, Interface):
        raise InvalidTypeError(
            f"An interface is a union of elements, or one of {', '.join(presets.PRESETS)}; not "
            f"{interface!r}."
        )
    return interface


def _data(work: Plan, results: Results) -> dict[str, Any]:
    interface = work.interface
    layers = dict.fromkeys(
        atoms.layer
        for e in interface
        for atoms in (e.of, e.to)
        if atoms is not None and atoms.layer not in (INPUT, OUTPUT)
    )
    classes = results.classes
    return {
        "title": interface.title or words.summary(interface),
        "lead": interface.lead,
        "model": results.model.name,
        "layers": list(layers),
        "photo": panels.Picture(results.photo.shown),
        "photo_name": results.photo.name,
        "classes": [
            {"label": label, "score": score, "probability": probability}
            for label, score, probability in zip(
                classes.labels, classes.scores, classes.probabilities, strict=True
            )
        ],
        "panels": panels.panels(interface, results),
        "notes": [note._asdict() for note in words.notes(work, results)],
        "grammar": repr(interface),
        "made_with": f"lucidx {lucidx.__version__}",
    }
