"""Rendering: make images that maximise an objective.

    render_vis(model, "mixed4a:476")

`render_vis` does the whole job. `make_vis_T` and `import_model` are for code that builds its own
`tf.Graph` and runs it in a `tf.compat.v1.Session`, as Lucid's notebooks do.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from lucidx.errors import InvalidTypeError, InvalidValueError
from lucidx.misc.environment import is_notebook_environment
from lucidx.misc.io.showing import show
from lucidx.modelzoo import model_io
from lucidx.modelzoo.importing import check_model
from lucidx.modelzoo.vision_base import Model
from lucidx.optvis import defaults, overrides
from lucidx.optvis.ascent import with_input
from lucidx.optvis.expressions import T
from lucidx.optvis.objectives import as_objective
from lucidx.optvis.parameterization import make_t_image as make_t_image
from lucidx.optvis.visualization import Visualization as Visualization
from lucidx.optvis.visualization import make_optimizer as make_optimizer
from lucidx.optvis.visualization import make_transform_f as make_transform_f
from lucidx.progress import tqdm

tf1 = tf.compat.v1
log = logging.getLogger(__name__)


def render_vis(
    model: Model,
    objective_f: Any,
    param_f: Callable[[], tf.Tensor] | None = None,
    optimizer: Any = None,
    transforms: Sequence[Callable[[tf.Tensor], tf.Tensor]] | None = None,
    thresholds: Iterable[int] = (512,),
    print_objectives: Sequence[Any] | None = None,
    verbose: bool = True,
    relu_gradient_override: bool = True,
    use_fixed_seed: bool = False,
    *,
    seed: int | None = None,
    progress: bool | None = None,
    on_step: Callable[[Visualization, float], Any] | None = None,
) -> list[np.ndarray]:
    """Make an image that maximises an objective ("Feature Visualization", Distill 2017).

    Parameters
    ----------
    model : what to look at.
    objective_f : `"layer:channel"`, an `Objective`, or another function of T.
    param_f : function that makes variables and returns images `[N, H, W, C]`; by default
        `param.image(128)`, with as many channels as the model takes, and of its size if what the
        objective reads cannot be computed for another.
    optimizer : a Keras or `tf.compat.v1.train` optimizer, or a function that makes one; by default
        Adam with learning rate 0.05.
    transforms : functions from images to images, drawn anew each step, that make the result robust;
        by default `transform.standard_transforms`, and a crop to the model's size if what the
        objective reads cannot be computed for another; `[]` for none.
    thresholds : steps after which to keep the image, counted from 0; the largest ends the run. As
        in Lucid, the image kept at 512 has had 513 updates.
    print_objectives : objectives to print at each threshold.
    verbose : print the objective and show the images at each threshold.
    relu_gradient_override : redirect the gradients of ReLUs in the first 17 steps, so that units
        that are off at the start can be reached.
    use_fixed_seed : the same as `seed=0`.
    seed : decides everything random: the same seed gives the same image on the same machine.
    progress : whether to show a progress bar; by default in terminals and notebooks.
    on_step : called after each update with the `Visualization` and the objective before the update.

    Returns
    -------
    For each threshold, in increasing order, float32 `[N, H, W, C]` in 0..1, before transforms. When
    interrupted (Ctrl-C), those so far and the current image.

    Raises
    ------
    LucidxError : an argument cannot work; found out before the first step.
    NonFiniteLossError : the objective became NaN or infinite; has the last finite image.
    """
    thresholds = _checked_thresholds(thresholds)
    if use_fixed_seed and seed is None:
        seed = 0
    printed = _printed(print_objectives)
    images: list[np.ndarray] = []
    with model_io.eagerly():
        vis = Visualization(
            model,
            objective_f,
            param_f,
            optimizer,
            transforms,
            relu_gradient_override=relu_gradient_override,
            seed=seed,
        )
        vis.check(printed)
        try:
            with _progress_bar(max(thresholds) + 1, progress) as bar:
                for step in range(max(thresholds) + 1):
                    value = vis.advance()
                    bar.update()
                    bar.set_postfix_str(f"objective {np.sum(value):.4g}", refresh=False)
                    if on_step is not None:
                        on_step(vis, value)
                    if step in thresholds:
                        images.append(vis.image())
                        if verbose:
                            with bar.external_write_mode():
                                print(step, value)
                                _print_objectives(printed, vis.measure(printed))
                                show(np.hstack(images[-1]))
        except KeyboardInterrupt:
            log.warning("Interrupted at step %d; returning the image so far.", vis.step)
            images.append(vis.image())
    return images


def _checked_thresholds(thresholds: Iterable[int]) -> Container[int]:
    if not isinstance(thresholds, Iterable | np.ndarray):
        raise InvalidTypeError(
            f"thresholds is a sequence of steps, such as (512,); got {thresholds!r}."
        )
    steps = list(thresholds)
    if not steps:
        raise InvalidValueError("thresholds is empty: name at least one step, such as (512,).")
    for step in steps:
        if not isinstance(step, int | np.integer) or isinstance(step, bool) or step < 0:
            raise InvalidValueError(f"thresholds are steps: whole numbers from 0; got {step!r}.")
    return set(steps)


def _progress_bar(total: int, wanted: bool | None) -> tqdm:
    if wanted is None:
        wanted = is_notebook_environment() or sys.stderr.isatty()
    return tqdm(total=total, disable=not wanted, unit="step", desc="render", leave=False)


def _printed(print_objectives: Sequence[Any] | None) -> list[Any]:
    if isinstance(print_objectives, str):
        print_objectives = [print_objectives]
    if not isinstance(print_objectives, Iterable | None):
        raise InvalidTypeError(f"print_objectives is a list; got {print_objectives!r}.")
    return [as_objective(objective) for objective in print_objectives or ()]


def _print_objectives(objectives: Sequence[Any], values: Sequence[Any]) -> None:
    for i, (objective, value) in enumerate(zip(objectives, values, strict=True), 1):
        print(f"{i:02d}: {getattr(objective, 'description', '')}: {np.sum(value):7.2f}")


def make_vis_T(
    model: Model,
    objective_f: Any,
    param_f: Callable[[], tf.Tensor] | tf.Tensor | None = None,
    optimizer: Any = None,
    transforms: Sequence[Callable[[tf.Tensor], tf.Tensor]] | None = None,
    relu_gradient_override: bool = False,
) -> T:
    """Build a visualization in the default `tf.Graph`, to be run in a `tf.compat.v1.Session`.

        with tf.Graph().as_default(), tf.compat.v1.Session() as session:
            T = make_vis_T(model, "mixed4a:476")
            tf.compat.v1.global_variables_initializer().run()
            for _ in range(512):
                T("vis_op").run()
            image = T("input").eval()

    Parameters
    ----------
    model, objective_f, param_f, transforms : as in `render_vis`; `param_f` may be a tensor of the
        graph.
    optimizer : a `tf.compat.v1.train` optimizer, or a function that makes one.
    relu_gradient_override : redirect the gradients of ReLUs while the global step is at most 16.

    Returns
    -------
    Function from a name to a tensor: `"loss"` (the objective, which is maximised), `"vis_op"` (the
    operation that makes an update), `"input"` or `"t_image"` (the image), `"global_step"`,
    `"labels"`, or a layer.

    Raises
    ------
    InvalidValueError : no graph is being built.
    """
    if tf.executing_eagerly():
        raise InvalidValueError(
            "make_vis_T builds a graph: call it inside `with tf.Graph().as_default(), "
            "tf.compat.v1.Session():`. In TensorFlow 2 use render_vis, or Visualization for your "
            "own loop."
        )
    check_model(model)
    t_image = make_t_image(defaults.image_for(model) if param_f is None else param_f)
    objective_f = as_objective(objective_f)
    transform_f = make_transform_f(transforms)
    optimizer = make_optimizer(optimizer, [])
    if not isinstance(optimizer, tf1.train.Optimizer):
        raise InvalidTypeError(
            "In a tf.Graph, the optimizer is one of tf.compat.v1.train; "
            f"got {type(optimizer).__module__}.{type(optimizer).__name__}."
        )
    global_step = tf1.train.get_or_create_global_step()
    override = overrides.relu_overrides_map if relu_gradient_override else {}
    with overrides.gradient_override_map(override):
        T_model = import_model(model, transform_f(t_image), t_image)
    loss = objective_f(T_model)
    own = {
        "loss": loss,
        "vis_op": optimizer.minimize(-loss, global_step=global_step),
        "t_image": t_image,
        "global_step": global_step,
    }
    return lambda name: own[name] if name in own else T_model(name)


def make_print_objective_func(
    print_objectives: Sequence[Any] | None, T: T
) -> Callable[[tf1.Session], None]:
    """Function that evaluates objectives in a session and prints them, one a line.

    Parameters
    ----------
    print_objectives : objectives, or `"layer:channel"`.
    T : of the graph, from `make_vis_T` or `import_model`.
    """
    objectives = _printed(print_objectives)
    tensors = [objective(T) for objective in objectives]

    def print_objective_func(sess: tf1.Session) -> None:
        if tensors:
            _print_objectives(objectives, sess.run(tensors))

    return print_objective_func


def import_model(
    model: Model,
    t_image: tf.Tensor,
    t_image_raw: tf.Tensor | None = None,
    scope: str = "import",
    input_map: Mapping[str, tf.Tensor] | None = None,
) -> T:
    """Import a model into the graph being built: a `tf.Graph`, or a `tf.function`.

    Parameters
    ----------
    model : to import.
    t_image : images `[N, H, W, C]` or one image `[H, W, C]`, RGB in 0..1.
    t_image_raw : what `T("input")` gives, the image before transforms; by default `t_image`.
    scope : name scope for the model's nodes.
    input_map : further tensors of the model's graph to replace, by name.

    Returns
    -------
    T : function from a layer's name to its activations; `"input"` gives the image, `"labels"` the
        model's labels.
    """
    T_model = model.import_graph(t_image, scope, forget_xy_shape=True, input_map=input_map)
    return with_input(T_model, t_image if t_image_raw is None else t_image_raw, model)
