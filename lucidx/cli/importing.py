"""`lucidx models import`: a network of one's own as a file that lucidx reads."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lucidx.cli.terminal import check_output, start_tensorflow
from lucidx.errors import CorruptFileError, InvalidValueError

if TYPE_CHECKING:
    from lucidx.modelzoo.vision_base import Model

KERAS_FILES = (".keras", ".h5", ".hdf5")


class Bound(click.ParamType):
    """One number, or one number per channel, separated by commas."""

    name = "NUMBER"

    def convert(self, value: Any, param: Any, ctx: Any) -> float | tuple[float, ...]:
        """The number, or the numbers."""
        try:
            numbers = tuple(float(part) for part in value.split(","))
        except ValueError:
            self.fail(f"{value!r} is not a number, nor numbers separated by commas.")
        return numbers if len(numbers) > 1 else numbers[0]


class ImageShape(click.ParamType):
    """Height, width and channels, such as `224,224,3`; `?` where any will do."""

    name = "H,W,C"

    def convert(self, value: Any, param: Any, ctx: Any) -> list[int | None]:
        """The three, None for `?`."""
        sides = [side.strip() for side in value.split(",")]
        if len(sides) != 3 or not all(side == "?" or side.isdecimal() for side in sides):
            self.fail(f"{value!r} is not height,width,channels, such as 224,224,3 or ?,?,1.")
        return [None if side == "?" else int(side) for side in sides]


EXAMPLES = """\b
lucidx models import net.keras --value-range 0 255 -o net.pb
lucidx models check net.pb
lucidx render conv5:3 --model net.pb
"""


@click.command("import", epilog=EXAMPLES)
@click.argument("file", type=click.Path(exists=True))
@click.option(
    "--value-range",
    type=Bound(),
    nargs=2,
    metavar="BLACK WHITE",
    help="What the network expects for black and for white, such as -1 1 or 0 255; for each "
    "channel, in the network's order, as -123.7,-116.8,-103.9 131.3,138.2,151.1.",
)
@click.option("-o", "--output", help="The .pb file to write.  [default: the name of FILE]")
@click.option("--name", help="Of the model.  [default: the name of the file written]")
@click.option("--input", "input_name", help="Node of a frozen graph that takes the images.")
@click.option("--image-shape", type=ImageShape(), help="Height, width and channels: 224,224,3.")
@click.option("--bgr", is_flag=True, help="The network takes its channels in reverse order.")
@click.option(
    "--labels",
    type=click.Path(exists=True, dir_okay=False),
    help="Text file with the name of a class on each line.",
)
@click.option("--signature", help="Which function of a SavedModel.  [default: serving_default]")
def import_model(
    file: str, value_range: tuple[Any, Any] | None, output: str | None, name: str | None,
    labels: str | None, **settings: Any,
) -> None:  # fmt: skip
    """Make a file that lucidx reads of a network of your own.

    FILE is a frozen graph (.pb), a SavedModel (its directory) or a Keras model (.keras, .h5). The
    file written holds the graph and how to feed it; give it wherever a model is asked for. Without
    --value-range, nothing is written, and you are told which of the usual ones suits the network.
    """
    output = output or f"{Path(file).with_suffix('').name}.pb"
    check_output(output, [".pb"])
    if Path(output).exists() and Path(output).samefile(file):
        raise InvalidValueError(f"{output!r} is the file that is imported: name another with -o.")
    names = _lines(labels) if labels else None
    start_tensorflow()
    if _describes_itself(file):
        raise InvalidValueError(
            f"{file} is a model file already, with how to feed it: name it wherever a model is "
            "asked for. To change what it says, use Model.load and model.export in Python."
        )
    settings |= {"labels": names, "name": name or Path(output).stem}
    if value_range is None:
        raise InvalidValueError(_advice(_load(file, (0, 1), **settings)))
    model = _load(file, value_range, **settings)
    model.export(output)
    from lucidx import diagnosis

    finding = diagnosis.check_value_range(model)
    if finding is not None:
        click.echo(f"Warning: {finding}", err=True)
    click.echo(f"{output}: {len(model.layers)} layers")


def _describes_itself(file: str) -> bool:
    if not file.lower().endswith(".pb"):
        return False
    from lucidx.modelzoo import graphs, util

    return util.extract_metadata(graphs.read_graphdef(file)) is not None


def _load(
    file: str, value_range: tuple[Any, Any], *, input_name: str | None, image_shape: Any, bgr: bool,
    labels: list[str] | None, name: str, signature: str | None,
) -> Model:  # fmt: skip
    from lucidx.modelzoo.vision_base import Model

    described = {"is_BGR": bgr, "labels": labels, "name": name}
    if Path(file).is_dir():
        _refuse(file, "a SavedModel", {"--input": input_name})
        return Model.from_saved_model(
            file, value_range, image_shape, signature=signature or "serving_default", **described
        )
    if Path(file).suffix.lower() in KERAS_FILES:
        _refuse(file, "a Keras model", {"--input": input_name, "--signature": signature})
        return Model.from_keras(_keras_model(file), value_range, image_shape, **described)
    _refuse(file, "a frozen graph", {"--signature": signature})
    return Model.from_graphdef(file, input_name, value_range, image_shape, **described)


def _refuse(file: str, kind: str, options: dict[str, str | None]) -> None:
    """Refuse options that say nothing of this kind of file."""
    given = [option for option, value in options.items() if value is not None]
    if given:
        raise click.UsageError(f"{file} is {kind}: {' and '.join(given)} cannot be about it.")


def _keras_model(file: str) -> Any:
    import keras

    # Before, files could run code in spite of safe_mode (CVE-2025-1550, CVE-2025-9905).
    if tuple(map(int, keras.__version__.split(".")[:3])) < (3, 11, 3):
        raise InvalidValueError(
            f"Keras {keras.__version__} may run code that a file brings with it. Upgrade it (pip "
            "install 'keras>=3.11.3'); or, if you trust the file, load it in Python and use "
            "Model.from_keras(...).export('name.pb')."
        )
    try:
        return keras.saving.load_model(file, compile=False, safe_mode=True)
    except Exception as error:  # Keras raises nearly anything.
        raise CorruptFileError(
            f"Keras cannot load {file}: {str(error).rstrip('.')}. If it needs layers of your own, "
            "load it in Python and use Model.from_keras(...).export('name.pb')."
        ) from error


def _lines(file: str) -> list[str]:
    try:
        return Path(file).read_text("utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise CorruptFileError(f"{file} is not a text file in UTF-8: {error}.") from error


def _advice(model: Model) -> str:
    """What is said when no value range is given."""
    import numpy as np

    from lucidx import value_range

    needed = "--value-range is needed: what the network expects for black and for white."
    trials = {trial.name: trial for trial in value_range.trials(model)}.values()
    best = value_range.contenders(trials)
    if not best:
        return (
            f"{needed} Trying the usual ones on photos did not tell which; see how the training "
            "data were prepared."
        )
    found = ", ".join(
        f"{trial.name} {trial.separation:.2f}" for trial in trials if np.isfinite(trial.separation)
    )
    order = -1 if model.is_BGR else 1
    options = [
        "--value-range "
        + " ".join(",".join(f"{x:g}" for x in np.atleast_1d(b)[::order]) for b in trial.bounds)
        for trial in best
    ]
    return (
        f"{needed} How well it tells photos apart: {found}. If it was trained on photos, probably "
        f"{' or '.join(options)}; see how the training data were prepared."
    )
