"""A sweep from beginning to end."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import sys
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import tensorflow as tf

from lucidx import engines, picture_cache
from lucidx.basis import Basis, channel_numbers, check_fits
from lucidx.errors import DiagnosisWarning, InvalidTypeError, InvalidValueError, LucidxError
from lucidx.misc.environment import is_notebook_environment
from lucidx.modelzoo.importing import check_model
from lucidx.modelzoo.pictures import find_images
from lucidx.modelzoo.vision_base import Model
from lucidx.progress import tqdm
from lucidx.sweep import drawing, gallery, plan, ranking, store

if TYPE_CHECKING:
    from lucidx.modelzoo.vision_base import Layer


_DIED = (
    "Its worker died (killed, out of memory, or crashed), again and again. If memory is short, "
    "fewer workers (--workers) need less."
)


class Swept(NamedTuple):
    """What a sweep made.

    Attributes
    ----------
    path : its directory.
    pictures : all that are there, in the order of the plan.
    failed : of the batches that failed, or whose workers died again and again, the reasons; they
        are tried again by the next call.
    """

    path: Path
    pictures: tuple[store.Picture, ...]
    failed: Mapping[str, str]


def sweep(
    model: Model,
    out: str | os.PathLike,
    *,
    layers: str | Layer | Iterable[str | Layer] = "all",
    channels: str | int | Iterable[int] = "all",
    basis: Basis | None = None,
    images: str | os.PathLike | Iterable[str | os.PathLike] | None = None,
    size: int = 128,
    steps: int = 256,
    seed: int = 0,
    batch: int = 16,
    engine: str = "loky",
    workers: int | None = None,
    address: str | None = None,
    progress: bool | None = None,
) -> Swept:
    """Draw channels of layers, or the members of a basis ("Feature Visualization", Distill 2017).

    A run that was stopped or killed goes on when it is called again: what is lost are the batches
    that were being drawn. `lucidx.sweep.store` says which files there are in the end.

    Each picture is the one that maximises the mean activation of one channel, or for a direction
    the mean of `x·d * max(0.1, cos(x, d)) ** 2`, as for icons: Adam with rate 0.05 in decorrelated
    Fourier space, under `transform.standard_transforms` and a crop to the picture's size. Its
    random start comes from `seed` and what it is of (`layer:channel`), and transforms from
    `seed` and the step. So it does not depend on what else is drawn: on CPUs the same picture alone
    and in a batch of 16 was the same in every bit (measured for EfficientNetLite0 and InceptionV1),
    but for layers `[N, C]`, which a batch of one computes in another way.
    Nor does it depend on the engine, or on how often a sweep was interrupted, on machines with the
    same processor and version of TensorFlow.

    Parameters
    ----------
    model : to draw channels of. Workers elsewhere must find its file under the same name.
    out : directory for this sweep alone, on a disk that all workers see.
    layers : names between commas, patterns such as `"mixed4*"`, `"all"` of `model.layers`, or a
        list of names or layers.
    channels : of each layer: `"all"`, numbers, or `"top:8"`: those with the largest mean activation
        for the pictures in `images`, largest first.
    basis : draw its members, scaled to length 1, instead of `layers` and `channels`. A basis of
        different channels is drawn as these channels.
    images : pictures, and directories with pictures, for `"top:8"`. Those that cannot be read are
        left out with a warning.
    size : of the pictures, in pixels. Layers that can be computed for images of one size only are
        drawn in that size.
    steps : of optimisation.
    seed : decides everything random.
    batch : pictures drawn at once by each worker, at most.
    engine, workers, address : what it runs on, see `lucidx.engines.run`. Without `workers`, there
        is one for each core, or a single one where there is a GPU.
    progress : whether to show a progress bar; by default in terminals and notebooks.

    Returns
    -------
    The pictures that are there, and why others are not.

    Raises
    ------
    InvalidValueError : an argument is impossible; `out` has other files, or is a sweep of another
        model or with other settings; another process is sweeping into it.
    UnknownLayerError : the model has no such layer.
    MissingExtraError : the engine is not installed.
    CorruptFileError : the plan in `out` is damaged.
    ClusterLostError : the cluster's scheduler is gone. Batches that are done stay.
    OSError : the disk is full, or cannot be written to. Batches that are done stay.
    """
    check_model(model)
    engines.check(engine, workers, address)
    out = Path(out).absolute()
    if basis is not None:
        _check_alone(model, basis, layers, channels)
        numbers = channel_numbers(basis)
        layers, channels = [basis.layer], "all" if numbers is None else numbers
    files = _images(model, channels, images)
    settings = plan.settings_of(
        model, layers, channels, basis, _identity(files), size, steps, seed, batch
    )
    with _saying_what_stays(out), store.alone(out):
        planned = _planned(model, out, settings, files)
        store.remove_drafts(out)
        model = _in_a_file(model, out)
        directions = None
        if basis is not None and plan.draws_directions(settings):
            store.write_directions(out, basis)
            directions = basis.digest
        job = drawing.Job(out, model, picture_cache.model_digest(model), steps, seed, directions)
        if workers is None and tf.config.list_physical_devices("GPU"):
            workers = 1
        done, failed = _draw_all(job, planned, engine, workers, address, progress)
        pictures = tuple(picture for record in done for picture in record.pictures)
        names = plan.names(planned, basis)
        store.write_index(out, planned, pictures, names)
        gallery.write(out, planned, pictures, names, failed)
        store.write_sprites(out, planned, pictures)
    for said in dict.fromkeys(said for record in done for said in record.warnings):
        warnings.warn(said, DiagnosisWarning, stacklevel=2)
    return Swept(out, pictures, failed)


def _check_alone(model: Model, basis: Any, layers: Any, channels: Any) -> None:
    """Refuse what is no basis of the model, or not the only thing that says what to draw."""
    if not isinstance(basis, Basis):
        raise InvalidTypeError(
            f"sweep draws a Basis, such as basis.directions(...); got {basis!r}."
        )
    if any(not isinstance(given, str) or given != "all" for given in (layers, channels)):
        raise InvalidValueError(
            f"A basis says what to draw: {basis!r}. Leave out layers and channels; basis[[3, 1]] "
            "selects members."
        )
    check_fits(model, basis)


def _images(model: Model, channels: Any, images: Any) -> list[str]:
    """The pictures that channels are chosen by."""
    by_pictures = plan.most_active({"channels": channels}) is not None
    if by_pictures and images is None:
        raise InvalidValueError(
            f"{channels!r} means the channels that are the most active for pictures: say which, as "
            "images (--images DIRECTORY)."
        )
    if images is None:
        return []
    if not by_pictures:
        raise InvalidValueError(
            f"Pictures are for channels such as 'top:8'; the channels are {channels!r}."
        )
    paths = [images] if isinstance(images, str | os.PathLike) else images
    return find_images(paths, model.image_shape[-1] or 3)


def _identity(files: Sequence[str]) -> dict[str, Any] | None:
    if not files:
        return None
    digest = hashlib.sha256()
    for file in files:
        digest.update(os.fsencode(f"{os.path.basename(file)} {os.path.getsize(file)}\n"))
    return {"pictures": len(files), "sha256": digest.hexdigest()}


def _planned(
    model: Model, out: Path, settings: Mapping[str, Any], files: Sequence[str]
) -> plan.Plan:
    """The plan that is there, or a new one."""
    begun = store.read_plan(out)
    if begun is not None:
        plan.check_same(begun, plan.about(model), settings, str(out))
        return begun
    number = plan.most_active(settings)
    ranked = number and ranking.most_active(model, settings["layers"], files, number)
    planned = plan.make(model, settings, ranked)
    store.write_text(out / store.PLAN, planned.to_json())
    return planned


def _in_a_file(model: Model, out: Path) -> Model:
    """The model, from where other processes can read it."""
    if model.model_path is not None:
        return model
    model.export(out / store.MODEL)
    return Model.load(out / store.MODEL, allow_unsafe_ops=model._allow_unsafe_ops)


def _draw_all(
    job: drawing.Job,
    planned: plan.Plan,
    engine: str,
    workers: int | None,
    address: str | None,
    progress: bool | None,
) -> tuple[list[store.Record], dict[str, str]]:
    """The batches that are done in the end, and why others failed."""
    batches = planned.batches
    done = {batch.name: store.done(job.out, batch) for batch in batches}
    left = [batch for batch in batches if done[batch.name] is None]
    draw = functools.partial(drawing.draw_batch, job)
    if progress is None:
        progress = is_notebook_environment() or sys.stderr.isatty()
    with tqdm(
        total=len(batches),
        initial=len(batches) - len(left),
        disable=not progress,
        unit="batch",
        desc="sweep",
    ) as bar:
        lost = []
        try:
            for _ in engines.run(draw, left, engine=engine, workers=workers, address=address):
                bar.update()
        except engines.WorkerDiedError as error:
            lost = error.lost
    done |= {batch.name: store.done(job.out, batch) for batch in left}
    for batch in lost:
        if done[batch.name] is None:
            store.write_failed(job.out, batch, _DIED)
    failed = {
        batch.name: store.why_failed(job.out, batch) for batch in left if done[batch.name] is None
    }
    return [record for record in done.values() if record is not None], failed


@contextlib.contextmanager
def _saying_what_stays(out: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if isinstance(error, LucidxError):
            raise
        raise OSError(
            error.errno,
            f"{error.strerror or error}; what is done stays, and the same sweep goes on there",
            error.filename or str(out),
        ) from error
