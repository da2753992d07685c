import pickle

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image, ImageOps

from lucidx import factorization
from lucidx.errors import InvalidTypeError, InvalidValueError, UnknownLayerError
from lucidx.factorization import neuron_groups
from lucidx.modelzoo.vision_base import Model
from lucidx.optvis import param, render

HEAD = (slice(40, 115), slice(25, 140))  # of the dog, in 224 x 224 pixels
CAT = (slice(98, 202), slice(158, 215))


def colors():
    """A model whose only layer is the image."""
    with tf.Graph().as_default() as graph:
        images = tf.compat.v1.placeholder(tf.float32, [None, None, None, 3], "images")
        tf.identity(images, "same")
    return Model.from_graphdef(graph.as_graph_def(), "images", (0, 1))


def rebuilt(groups):
    return groups.spatial @ groups.directions + groups.mean


def error_of(groups):
    left = groups.activations - rebuilt(groups)
    return np.linalg.norm(left) / np.linalg.norm(groups.activations)


@pytest.mark.parametrize("method", ["NMF", "PCA", "FastICA", "TruncatedSVD", "KMeans"])
def test_groups_rebuild_the_activations_up_to_their_error(skipping, obses, method):
    groups = neuron_groups(skipping, obses, "second", 4, method)
    assert groups.spatial.shape == (6, 8, 6, 4)
    assert groups.directions.shape == (4, 12)
    np.testing.assert_allclose(groups.activations, skipping.activations(obses, "second"))
    assert groups.error == pytest.approx(error_of(groups), rel=1e-3)
    assert 0 < groups.error < 0.7
    np.testing.assert_allclose(np.linalg.norm(groups.directions, axis=1), 1, rtol=1e-5)


def test_as_many_groups_as_channels_leave_nothing(skipping, obses):
    assert neuron_groups(skipping, obses, "first", 8, "PCA").error < 1e-5


def test_one_image_is_a_batch_of_one(skipping, obses):
    one, batch = (neuron_groups(skipping, x, "second", 3) for x in (obses[0], obses[:1]))
    np.testing.assert_array_equal(one.spatial, batch.spatial)


def test_groups_go_from_left_to_right(skipping, obses):
    groups = neuron_groups(skipping, obses, "second", 5)
    mass = groups.spatial.sum((0, 1))
    middles = np.linspace(0, 1, 6) @ mass / mass.sum(0)
    assert (np.diff(middles) >= 0).all()
    np.testing.assert_allclose(groups.columns, middles, rtol=1e-5)


def test_stripes_are_groups_in_their_order():
    model = colors()
    stripes = np.repeat(np.eye(3, dtype=np.float32), 4, 0)[np.newaxis].repeat(5, 0)
    groups = neuron_groups(model, stripes, "same", 3)
    np.testing.assert_allclose(groups.directions, np.eye(3), atol=1e-4)
    np.testing.assert_allclose(groups.columns, np.array([1.5, 5.5, 9.5]) / 11, atol=1e-4)
    mirrored = neuron_groups(model, stripes[:, ::-1], "same", 3)
    np.testing.assert_allclose(mirrored.directions, np.eye(3)[::-1], atol=1e-4)
    assert groups.error < 1e-3


def test_the_same_seed_gives_the_same_groups(skipping, obses):
    for method in ("NMF", "KMeans"):
        first, second = (neuron_groups(skipping, obses, "second", 4, method) for _ in range(2))
        np.testing.assert_array_equal(first.spatial, second.spatial)


def test_in_kmeans_each_position_is_in_one_group(skipping, obses):
    groups = neuron_groups(skipping, obses, "second", 4, "KMeans")
    assert (np.count_nonzero(groups.spatial, -1) == 1).all()


def test_the_basis_makes_new_activations_of_the_same_groups(skipping, obses):
    groups = neuron_groups(skipping, obses, "second", 4)
    assert groups.basis.layer == "second"
    assert groups.basis.names == groups.names == ("group 0", "group 1", "group 2", "group 3")
    assert groups.basis.nonnegative
    assert groups.basis.origin["method"] == "NMF"
    coefficients = groups.basis.coefficients(groups.activations)
    np.testing.assert_allclose(coefficients, groups.spatial, atol=0.02 * groups.spatial.max())


def test_channels_first_layers_have_the_same_groups(skipping, obses):
    last, first = (neuron_groups(skipping, obses, x, 3) for x in ("second", "channels_first"))
    np.testing.assert_allclose(first.spatial, last.spatial, atol=1e-5)


def test_dense_layers_are_grouped_over_images(skipping, obses):
    groups = neuron_groups(skipping, obses, "pool", 2)
    assert groups.spatial.shape == (6, 1, 1, 2)


def test_groups_are_values(skipping, obses):
    groups = neuron_groups(skipping, obses, "second", 3)
    with pytest.raises(ValueError, match="read-only"):
        groups.spatial[0] = 0
    with pytest.raises(AttributeError):
        groups.error = 0
    again = pickle.loads(pickle.dumps(groups))
    np.testing.assert_array_equal(again.directions, groups.directions)
    assert len(again) == 3
    assert "'second'" in repr(groups)


def test_groups_fitted_to_an_attribution_leave_out_channels_that_do_not_matter(skipping, obses):
    acts = skipping.activations(obses, "second")
    attribution = acts * np.where(np.arange(12) < 5, [1.0, -1] * 6, 0).astype(np.float32)
    groups = neuron_groups(skipping, obses, "second", 3, attribution=attribution)
    assert not groups.directions[:, 5:].any()
    # What speaks for it and what speaks against it are not in one group.
    for direction in groups.directions:
        assert min(direction[:5:2].max(), direction[1:5:2].max()) < 1e-3
    assert groups.basis.origin["attribution"]


def test_attributions_are_arrays_or_have_values_for_one_image_or_several(skipping, obses):
    class Attribution:
        def __init__(self, values):
            self.values = values

    attribution = skipping.activations(obses, "second") ** 2
    whole = neuron_groups(skipping, obses, "second", 2, attribution=attribution)
    listed = [Attribution(values) for values in attribution]
    each = neuron_groups(skipping, obses, "second", 2, attribution=listed)
    np.testing.assert_array_equal(whole.directions, each.directions)
    one = neuron_groups(skipping, obses[0], "second", 2, attribution=listed[0])
    np.testing.assert_array_equal(
        one.directions,
        neuron_groups(skipping, obses[:1], "second", 2, attribution=attribution[:1]).directions,
    )


@pytest.mark.filterwarnings("ignore::lucidx.errors.DiagnosisWarning")
def test_the_basis_draws_all_groups_in_one_batch(skipping, obses):
    groups = neuron_groups(skipping, obses, "second", 3)
    icons = render.render_vis(
        skipping,
        groups.basis.objective(),
        lambda: param.image(16, batch=3),
        transforms=[],
        thresholds=(1,),
        verbose=False,
    )[-1]
    assert icons.shape == (3, 16, 16, 3)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"n_groups": 13}, "12 channels"),
        ({"images": np.full((4, 4, 3), 0.5), "n_groups": 5}, "4 positions"),
        ({"n_groups": 0}, "1 to 12"),
        ({"method": "Pca"}, "'PCA'"),
        ({"method": "KernelPCA"}, "KernelPCA"),
        ({"layer": "second_pre_relu"}, "method='PCA'"),
        ({"layer": "silent"}, "0 everywhere"),
        ({"layer": "first_kernel"}, "first_kernel"),
        ({"attribution": np.zeros((1, 8, 6, 12))}, "activations"),
        ({"attribution": np.zeros((6, 8, 6, 12))}, "0 everywhere"),
        ({"attribution": np.ones((6, 8, 6, 12)), "method": "PCA"}, "NMF"),
        ({"attribution": [np.ones((8, 6, 12)), np.ones(3)]}, "activations"),
        ({"images": np.full((16, 12, 3), 2.0)}, "0..1"),
    ],
)
def test_what_cannot_be_grouped_is_refused(skipping, obses, change, message):
    arguments = {"images": obses, "layer": "second", **change}
    with pytest.raises(InvalidValueError, match=message):
        neuron_groups(skipping, **arguments)


def test_layers_behind_a_relu_are_offered_where_activations_are_negative(efficientnet):
    image = np.random.default_rng(0).uniform(0, 1, (64, 64, 3)).astype(np.float32)
    with pytest.raises(InvalidValueError, match=r"behind a ReLU.*'block4a/depthwise'"):
        neuron_groups(efficientnet, image, "block4a/output")


def test_groups_of_positions_where_nothing_is_active_are_refused():
    image = np.zeros((4, 4, 3), np.float32)
    image[:1, :, 0] = image[1:2, :, 1] = 1
    with pytest.raises(InvalidValueError, match="no direction"):
        neuron_groups(colors(), image, "same", 3, "KMeans")


def test_unknown_layers_and_numbers_are_refused(skipping, obses):
    with pytest.raises(UnknownLayerError, match="second"):
        neuron_groups(skipping, obses, "secnd")
    with pytest.raises(InvalidTypeError, match="n_groups"):
        neuron_groups(skipping, obses, "second", 2.5)


def share_in(groups, part):
    """Of each group, how much of its mass is in a part of the 224 x 224 image."""
    whole = np.zeros((224, 224))
    whole[part] = 1
    height, width = groups.spatial.shape[1:3]
    cells = whole.reshape(height, 224 // height, width, 224 // width).mean((1, 3))
    return np.einsum("hwk,hw->k", groups.spatial[0], cells) / groups.spatial[0].sum((0, 1))


def test_in_the_dog_and_cat_groups_of_inception_cover_head_and_cat(inception_v1, dog_cat):
    groups = neuron_groups(inception_v1, dog_cat, "mixed4d", 6)
    head, cat = share_in(groups, HEAD), share_in(groups, CAT)
    # A group that is everywhere would have .17 and .12.
    assert head.max() > 0.7
    assert cat.max() > 0.55
    assert head.argmax() < cat.argmax()
    assert groups.error < 0.7


def test_in_the_dog_and_cat_groups_of_efficientnet_cover_head_and_cat(efficientnet, dog_cat):
    groups = neuron_groups(efficientnet, dog_cat, "block7a/expand", 6)
    head, cat = share_in(groups, HEAD), share_in(groups, CAT)
    assert head.max() > 0.6
    assert cat.max() > 0.6
    assert head.argmax() < cat.argmax()


def test_photos_of_bytes_are_grouped(efficientnet):
    from sklearn.datasets import load_sample_image

    photo = load_sample_image("flower.jpg")[100:324, 200:424]
    groups = neuron_groups(efficientnet, photo, "block6a/expand", 6)
    assert groups.spatial.shape == (1, 14, 14, 6)
    assert groups.error < 0.7
    assert (np.diff(groups.columns) >= 0).all()


def test_the_package_names_what_people_use():
    assert factorization.neuron_groups is neuron_groups
    assert set(factorization.__all__) <= set(dir(factorization))


def test_rounding_the_pixels_of_a_photo_does_not_change_the_groups(efficientnet):
    """A group that the same photo, resized in 8 bits, would not have means nothing."""
    from sklearn.datasets import load_sample_image

    photo = Image.fromarray(load_sample_image("china.jpg"))
    in_bytes = np.asarray(ImageOps.fit(photo, (224, 224), Image.Resampling.LANCZOS))
    bands = [Image.fromarray(np.asarray(band, np.float32)) for band in photo.split()]
    in_floats = [ImageOps.fit(band, (224, 224), Image.Resampling.LANCZOS) for band in bands]
    both = in_bytes, np.dstack(in_floats).clip(0, 255) / np.float32(255)
    one, other = (neuron_groups(efficientnet, p, "block5c/expand", 6).directions for p in both)
    cosines = np.sum(one * other, 1) / np.linalg.norm(one, axis=1) / np.linalg.norm(other, axis=1)
    assert cosines.min() > 0.98
