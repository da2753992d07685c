"""Lucid's tutorial and its neighbours, with only the package's name changed and fewer steps."""

import numpy as np
import pytest

import lucidx.modelzoo.vision_models as models
import lucidx.optvis.objectives as objectives
import lucidx.optvis.param as param
import lucidx.optvis.render as render
import lucidx.optvis.transform as transform
from lucidx.errors import WeightsNotFoundError
from lucidx.misc.io import show

FEW = (20,)


@pytest.fixture(scope="module")
def model():
    model = models.InceptionV1()
    with pytest.warns(DeprecationWarning):
        model.load_graphdef()
    try:
        model.graph_def  # noqa: B018
    except WeightsNotFoundError as error:
        pytest.skip(str(error))
    return model


def check(images, shape=(1, 128, 128, 3)):
    (image,) = images
    assert image.shape == shape
    assert image.std() > 0.02


def test_a_channel_by_name(model):
    check(render.render_vis(model, "mixed4a_pre_relu:476", thresholds=FEW))


def test_an_explicit_objective(model):
    obj = objectives.channel("mixed4a_pre_relu", 465)
    check(render.render_vis(model, obj, thresholds=FEW))


def test_sums_and_differences_of_objectives(model):
    channel = lambda n: objectives.channel("mixed4a_pre_relu", n)
    check(render.render_vis(model, channel(476) + channel(465), thresholds=FEW))
    check(render.render_vis(model, channel(476) - channel(465), thresholds=FEW))


def test_transforms_off_jitter_and_everything(model):
    channel = "mixed4a_pre_relu:2"
    check(render.render_vis(model, channel, transforms=[], thresholds=FEW))
    jitter_only = [transform.jitter(2)]
    check(render.render_vis(model, channel, transforms=jitter_only, thresholds=FEW))
    everything = [
        transform.pad(16),
        transform.jitter(8),
        transform.random_scale([n / 100.0 for n in range(80, 120)]),
        transform.random_rotate(
            list(range(-10, 10)) + list(range(-5, 5)) + 10 * list(range(-2, 2))
        ),
        transform.jitter(2),
    ]
    check(render.render_vis(model, channel, transforms=everything, thresholds=FEW))


@pytest.mark.parametrize("fft", [False, True])
@pytest.mark.parametrize("decorrelate", [False, True])
def test_pixel_and_fourier_parameterizations(model, fft, decorrelate):
    param_f = lambda: param.image(128, fft=fft, decorrelate=decorrelate)
    check(render.render_vis(model, "mixed4a_pre_relu:2", param_f, thresholds=FEW))


def test_a_batch_with_diversity(model):
    obj = objectives.channel("mixed5a_pre_relu", 9) - 1e2 * objectives.diversity("mixed5a")
    param_f = lambda: param.image(128, batch=4)
    images = render.render_vis(model, obj, param_f, thresholds=(5,))
    check(images, (4, 128, 128, 3))
    show(images[-1])


def test_a_cppn(model):
    images = render.render_vis(
        model, "mixed4a_pre_relu:476", lambda: param.cppn(64), thresholds=(3,), transforms=[]
    )
    assert images[0].shape == (1, 64, 64, 3)
    assert np.isfinite(images[0]).all()
