"""What an atlas says of itself: how it was made, and what it does not mean."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lucidx.recipes.activation_atlas.building import Atlas

_LEAD = (
    "Each icon stands for similar activations of the layer, and similar icons are near each other. "
    "Zoom in for finer cells, and choose one to see what is in it"
)
LEAD = f"{_LEAD} and which classes it argues for."
LEAD_WITHOUT_CLASSES = f"{_LEAD}."


def notes(atlas: Atlas) -> list[dict[str, str]]:
    """How the parts of an atlas were made, and their limits: `term`, `how`, `limits`."""
    found = [_activations(atlas), _map(atlas), _icons(atlas)]
    if atlas.labels:
        found.append(_classes(atlas))
    return found


def _note(term: str, how: str, limits: str) -> dict[str, str]:
    return {"term": term, "how": how, "limits": limits}


def _activations(atlas: Atlas) -> dict[str, str]:
    settings = atlas.settings
    each = settings["collected"].get("per_image")
    how = f"{settings['activations']:,} activations of {atlas.layer} of {atlas.model}"
    if each:
        of_each = "one random position" if each == 1 else f"{each} random positions"
        how += f", of {of_each} of each picture, away from the border"
    left_out = settings["zero_activations_left_out"]
    if left_out:
        how += f"; {left_out:,} more were zero, and are left out"
    return _note(
        "Activations",
        f"{how}.",
        "The map shows what these pictures make the layer do. What they do not show is not on it.",
    )


def _map(atlas: Atlas) -> dict[str, str]:
    sizes = " and ".join(f"{n} by {n}" for n in atlas.settings["grids"])
    threshold = atlas.settings["threshold"]
    least = f" Cells of fewer than {threshold + 1} activations are empty." if threshold else ""
    return _note(
        "Map",
        f"Laid out by {atlas.settings['layout']}, and cut into {sizes} cells.{least} The outermost "
        "hundredth on each side may have been moved to the border.",
        "Neighbours are alike. How far apart others are, which way is up, and the gaps, mean "
        "little; another seed gives another map.",
    )


def _icons(atlas: Atlas) -> dict[str, str]:
    whitened = "what sets the mean of its activations apart from what is common in the layer"
    plain = "the mean of its activations"
    return _note(
        "Icons",
        f"Each is an image optimised in {atlas.settings['icon_steps']} steps to excite the "
        f"direction of {whitened if atlas.settings['whitened'] else plain}. It is larger the more "
        "there are.",
        "An icon is what would excite that direction most. It is none of the pictures, and the "
        "mean of activations that differ may be like none of them.",
    )


def _classes(atlas: Atlas) -> dict[str, str]:
    scores = atlas.settings["collected"].get("scores")
    if scores is None:
        return _note(
            "Classes",
            "What activations argue for was given with them; a cell shows the mean.",
            "What it means depends on how it was made.",
        )
    return _note(
        "Classes",
        f"What an activation argues for is its product with the gradient of a class's score in "
        f"{scores}, at its position in its picture; a cell shows the mean of its activations.",
        "It is what the network does near these activations, if it were linear; taking them away "
        "can do something else. Evidence that is common need not decide: other positions, and "
        "other layers, add theirs.",
    )
