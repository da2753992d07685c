import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from lucidx.errors import InvalidTypeError, InvalidValueError
from lucidx.optvis import param, randomness, transform


def picture(*shape):
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


def draws(f, image, n):
    """Results of `f` for `n` steps of a run."""
    for step in range(n):
        with randomness.stream(0, step):
            yield f(image).numpy()


def grid(rows):
    return np.float32(rows)[None, ..., None]


# jitter


def test_jitter_crops_at_every_offset_and_no_other():
    y, x = np.meshgrid(np.arange(5), np.arange(7), indexing="ij")
    image = np.stack([y, x], -1)[None].astype(np.float32)
    crops = list(draws(transform.jitter(2), image, 100))
    assert {crop.shape for crop in crops} == {(1, 3, 5, 2)}
    offsets = {tuple(crop[0, 0, 0].astype(int)) for crop in crops}
    assert offsets == {(i, j) for i in range(3) for j in range(3)}
    for crop in crops:
        np.testing.assert_array_equal(crop[0, -1, -1] - crop[0, 0, 0], [2, 4])


def test_jitter_crops_a_whole_batch_alike():
    image = np.tile(picture(1, 8, 8, 3), [3, 1, 1, 1])
    for crop in draws(transform.jitter(4), image, 5):
        np.testing.assert_array_equal(crop[0], crop[2])


@pytest.mark.parametrize("shape", [(6, 6, 3), (2, 6, 6, 3), (2, 3, 6, 6, 3)])
def test_jitter_takes_any_number_of_batch_axes(shape):
    assert transform.jitter(2)(picture(*shape)).shape == (*shape[:-3], 4, 4, 3)


def test_jitter_by_nothing_is_the_identity():
    image = picture(1, 5, 5, 3)
    np.testing.assert_array_equal(transform.jitter(0)(image), image)


def test_jitter_needs_something_left():
    for side in (3, 4):
        with pytest.raises(InvalidValueError, match="pad first"):
            transform.jitter(4)(picture(1, side, 9, 3))
    traced = tf.function(transform.jitter(4), input_signature=[tf.TensorSpec([1, None, 9, 3])])
    assert traced(picture(1, 5, 9, 3)).shape == [1, 1, 5, 3]
    for side in (2, 3, 4):
        with pytest.raises(tf.errors.InvalidArgumentError, match="pad first"):
            traced(picture(1, side, 9, 3))
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        image = tf.compat.v1.placeholder(tf.float32, [1, None, 9, 3])
        cropped = transform.jitter(4)(image)
        with pytest.raises(tf.errors.InvalidArgumentError, match="pad first"):
            session.run(cropped, {image: picture(1, 3, 9, 3)})


# pad


def test_pad_reflects_by_default():
    padded = transform.pad(1)(grid([[0, 1, 2], [3, 4, 5], [6, 7, 8]]))
    np.testing.assert_array_equal(padded[0, :, :, 0][0], [4, 3, 4, 5, 4])


@pytest.mark.parametrize("mode", ["symmetric", "SYMMETRIC"])
def test_pad_modes_are_known_in_any_case(mode):
    np.testing.assert_array_equal(
        transform.pad(1, mode)(grid([[0, 1], [2, 3]]))[0, 0, :, 0], [0, 0, 1, 1]
    )


def test_pad_with_a_constant():
    padded = transform.pad(2, mode="constant")(np.zeros([1, 3, 3, 3])).numpy()
    assert padded.shape == (1, 7, 7, 3)
    assert (padded == 0.5).sum() == (49 - 9) * 3
    tensor = transform.pad(1, "constant", tf.constant(0.25))(np.zeros([1, 1, 1, 1]))
    assert tensor[0, 0, 0, 0] == 0.25


def test_uniform_padding_is_one_random_grey_per_step():
    borders = [
        np.unique(padded[:, 0])
        for padded in draws(transform.pad(1, "constant", "uniform"), np.zeros([2, 3, 3, 3]), 4)
    ]
    assert [len(values) for values in borders] == [1] * 4
    assert len(np.unique(borders)) == 4
    assert 0 <= np.min(borders) < np.max(borders) < 1


def test_pad_cannot_reflect_more_than_there_is():
    image = picture(1, 3, 3, 1)
    with pytest.raises(InvalidValueError, match="CONSTANT"):
        transform.pad(3)(image)
    with pytest.raises(InvalidValueError, match="CONSTANT"):
        transform.pad(4, "symmetric")(image)
    assert transform.pad(3, "symmetric")(image).shape == [1, 9, 9, 1]
    assert transform.pad(9, "constant")(image).shape == [1, 21, 21, 1]


# random_scale

SCALES = [0.9, 0.92, 0.94, 0.96, 0.98, 1.0, 1.02, 1.04, 1.06, 1.08, 1.1]
SIZES = [129, 132, 135, 138, 141, 144, 146, 149, 152, 155, 158]


@pytest.mark.parametrize(("scale", "size"), list(zip(SCALES, SIZES, strict=True)))
def test_sizes_are_truncated_in_single_precision(scale, size):
    assert transform.random_scale([scale])(picture(1, 144, 144, 1)).shape == [1, size, size, 1]


def test_scaling_reads_positions_without_half_pixel_centres():
    scaled = transform.random_scale([2])(grid([[0, 1]]))
    np.testing.assert_allclose(scaled[0, 0, :, 0], [0, 0.5, 1, 1])


@pytest.mark.parametrize(
    "scales", [[1, 2, 3], (1.0, 2, 3), np.array([1, 2, 3]), iter([1, 2, 3]), range(1, 4)]
)
def test_any_collection_of_scales_serves_every_call(scales):
    sizes = {s.shape[1] for s in draws(transform.random_scale(scales), picture(1, 4, 4, 1), 40)}
    assert sizes == {4, 8, 12}


# random_rotate


def test_positive_angles_turn_counter_clockwise():
    rotated = transform.random_rotate([90])(grid([[0, 1, 2], [3, 4, 5], [6, 7, 8]]))
    np.testing.assert_array_equal(rotated[0, ..., 0], [[2, 5, 8], [1, 4, 7], [0, 3, 6]])


def test_rotation_takes_the_nearest_pixel_and_black_outside():
    rotated = transform.random_rotate([20])(grid(np.arange(25).reshape(5, 5)))
    expected = [
        [0, 2, 3, 4, 0],
        [0, 6, 7, 8, 14],
        [5, 11, 12, 13, 19],
        [10, 16, 17, 18, 24],
        [0, 20, 21, 22, 0],
    ]
    np.testing.assert_array_equal(rotated[0, ..., 0], expected)


@pytest.mark.parametrize("units", ["radians", "rads", "rad", "RADIANS"])
def test_angles_may_be_in_radians(units):
    image = picture(1, 9, 9, 3)
    np.testing.assert_array_equal(
        transform.random_rotate([3.14 / 6], units)(image), transform.random_rotate([30])(image)
    )


@given(
    shape=st.tuples(st.integers(1, 3), st.integers(1, 12), st.integers(1, 12), st.integers(1, 3)),
    angle=st.one_of(st.floats(-400, 400), st.sampled_from([0, 45, 90, 180, 1.57])),
)
@settings(deadline=None, max_examples=40)
def test_the_gradient_of_a_rotation_is_its_exact_adjoint(shape, angle):
    rng = np.random.default_rng(0)
    image, upstream = (tf.constant(rng.normal(size=shape), tf.float32) for _ in range(2))
    with tf.GradientTape() as tape:
        tape.watch(image)
        rotated = transform.random_rotate([angle])(image)
    gradient = tape.gradient(rotated, image, upstream)
    np.testing.assert_allclose(
        np.vdot(rotated, upstream), np.vdot(image, gradient), rtol=1e-4, atol=1e-4
    )
    # Also entry by entry: pixels read twice count twice, pixels never read not at all.
    with tf.GradientTape() as tape:
        tape.watch(image)
        total = tf.reduce_sum(transform.random_rotate([angle])(image))
    counts = tape.gradient(total, image).numpy()
    assert counts.sum() == transform.random_rotate([angle])(tf.ones(shape)).numpy().sum()


# normalize_gradient


def gradient_through(f, image, upstream):
    image = tf.constant(image)
    with tf.GradientTape() as tape:
        tape.watch(image)
        result = f(image)
    np.testing.assert_array_equal(result, image)
    return tape.gradient(result, image, tf.constant(upstream)).numpy()


def test_each_image_gets_a_gradient_of_unit_length():
    upstream = picture(2, 4, 4, 3) * np.float32([1e-9, 1e3])[:, None, None, None]
    gradient = gradient_through(transform.normalize_gradient(), picture(2, 4, 4, 3), upstream)
    np.testing.assert_allclose(np.linalg.norm(gradient.reshape(2, -1), axis=1), [1, 1], rtol=1e-4)
    cosine = np.vdot(gradient[1], upstream[1]) / np.linalg.norm(upstream[1])
    assert cosine == pytest.approx(1, rel=1e-4)


def test_grad_scales_are_the_lengths():
    f = transform.normalize_gradient([0.5, 2.0])
    gradient = gradient_through(f, picture(2, 4, 4, 3), picture(2, 4, 4, 3))
    lengths = np.linalg.norm(gradient.reshape(2, -1), axis=1)
    np.testing.assert_allclose(lengths, [0.5, 2], rtol=1e-4)


def test_a_zero_gradient_stays_zero():
    image = picture(1, 3, 3, 3)
    gradient = gradient_through(transform.normalize_gradient(), image, np.zeros_like(image))
    np.testing.assert_array_equal(gradient, np.zeros_like(image))


def test_grad_scales_must_match_the_batch():
    with pytest.raises(InvalidValueError, match="3 grad_scales for a batch of 1"):
        transform.normalize_gradient([1, 2, 3])(picture(1, 4, 4, 3))


# compose


def test_compose_applies_left_to_right():
    double, increment = (lambda t: 2 * t), (lambda t: t + 1)
    assert transform.compose([double, increment])(3) == 7
    assert transform.compose(iter([increment, double]))(3) == 8


def test_composing_nothing_is_the_identity():
    assert transform.compose([])(3) == 3


def test_a_composition_can_be_used_again():
    composed = transform.compose(iter([transform.jitter(1), transform.jitter(1)]))
    for _ in range(2):
        assert composed(picture(1, 5, 5, 3)).shape == [1, 3, 3, 3]


# collapse_alpha_random


def test_opaque_images_hide_the_background():
    image = np.concatenate([picture(2, 6, 6, 3), np.ones([2, 6, 6, 1], np.float32)], -1)
    np.testing.assert_allclose(transform.collapse_alpha_random()(image), image[..., :3], atol=1e-6)


def test_transparent_images_show_a_new_background_each_step():
    backgrounds = list(draws(transform.collapse_alpha_random(), np.zeros([2, 16, 16, 4]), 3))
    for background in backgrounds:
        assert background.shape == (2, 16, 16, 3)
        assert 0 < background.min() < background.max() < 1
        assert np.abs(background[0] - background[1]).max() > 0.01
    assert np.abs(backgrounds[0] - backgrounds[1]).max() > 0.01


def test_half_transparent_before_uniform_grey():
    image = np.concatenate([np.ones([1, 4, 5, 3]), np.full([1, 4, 5, 2], 0.5)], -1)
    collapsed = transform.collapse_alpha_random(sd=0)(image)
    np.testing.assert_allclose(collapsed, np.full([1, 4, 5, 3], 0.75))


@pytest.mark.parametrize("size", [(8, 8), (7, 9), (5, 1)])
def test_backgrounds_are_the_same_when_sizes_are_known_only_when_running(size):
    image = picture(2, *size, 4)

    def collapse(image):
        with randomness.stream(0):
            return transform.collapse_alpha_random()(image)

    traced = tf.function(collapse, input_signature=[tf.TensorSpec([2, None, None, 4])])
    np.testing.assert_allclose(traced(image), collapse(image), atol=1e-5)


def test_alpha_can_be_collapsed_after_scaling():
    chain = transform.compose([transform.random_scale([1.5]), transform.collapse_alpha_random()])
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        collapsed = chain(param.image(8, alpha=True))
        session.run(tf.compat.v1.global_variables_initializer())
        assert session.run(collapsed).shape == (1, 12, 12, 3)


def test_collapsing_needs_alpha():
    with pytest.raises(InvalidValueError, match="alpha=True"):
        transform.collapse_alpha_random()(picture(1, 4, 4, 3))


# crop_or_pad_to


def test_cropping_and_padding_keep_the_centre():
    image = picture(1, 9, 4, 3)
    result = transform.crop_or_pad_to(5, 8)(image).numpy()
    np.testing.assert_array_equal(result[:, :, 2:6], image[:, 2:7])
    assert not result[:, :, :2].any()
    assert not result[:, :, 6:].any()


def test_the_size_is_known_afterwards():
    to_size = transform.crop_or_pad_to(5, 8)
    traced = tf.function(to_size, input_signature=[tf.TensorSpec([None, None, None, 3])])
    assert traced.get_concrete_function().structured_outputs.shape.as_list() == [None, 5, 8, 3]
    assert traced(picture(1, 9, 4, 3)).shape == [1, 5, 8, 3]


# standard_transforms


def test_standard_transforms_are_a_list_to_extend():
    assert isinstance(transform.standard_transforms, list)
    names = [t.key[0] for t in transform.standard_transforms]
    assert names == ["pad", "jitter", "random_scale", "random_rotate", "jitter"]
    assert transform.standard_transforms[0].key == transform.pad(12, "constant", 0.5).key
    np.testing.assert_allclose(transform.standard_transforms[2].key[1], SCALES)
    angles = list(transform.standard_transforms[3].key[1])
    assert sorted(angles) == sorted([*range(-10, 11), 0, 0, 0, 0, 0])


def test_standard_transforms_give_a_128_image_sides_of_125_to_154():
    robust = transform.compose(transform.standard_transforms)
    sides = {t.shape[1:3] for t in draws(robust, picture(1, 128, 128, 1), 60)}
    assert {(size - 4, size - 4) for size in (SIZES[0], SIZES[-1])} <= sides
    assert sides <= {(size - 4, size - 4) for size in SIZES}


# what they have in common


# random_crops


def ramps(h, w):
    """Image whose two channels are the row and the column of each pixel's centre."""
    y, x = np.mgrid[:h, :w] + 0.5
    return np.stack([y, x], -1)[None].astype(np.float32)


@given(h=st.integers(12, 40), w=st.integers(12, 40), seed=st.integers(0, 99))
@settings(deadline=None, max_examples=20)
def test_parts_are_undistorted_parts_of_the_image(h, w, seed):
    with randomness.stream(seed):
        (part,) = transform.random_crops(8, 12, (0.4, 0.8))(ramps(h, w)).numpy()
    inner = part[1:-1, 1:-1]  # where nothing is read from beyond the border
    rows, columns = inner[..., 0].mean(1), inner[..., 1].mean(0)
    np.testing.assert_allclose(inner[..., 0], np.repeat(rows[:, None], 10, 1), atol=1e-3)
    np.testing.assert_allclose(inner[..., 1], np.repeat(columns[None], 6, 0), atol=1e-3)
    step = (rows[-1] - rows[0]) / 5
    np.testing.assert_allclose(np.diff(rows), step, atol=0.25)
    np.testing.assert_allclose(np.diff(columns), step, atol=0.25)
    largest = min(h / 8, w / 12)
    assert 0.4 * largest - 0.05 <= step <= 0.8 * largest + 0.05
    assert inner.min() > 0 and rows.max() < h and columns.max() < w


def test_the_largest_part_of_its_own_size_is_the_image():
    image = picture(2, 6, 9, 3)
    part = transform.random_crops(6, 9, (1, 1))(image)
    np.testing.assert_allclose(part, image, atol=1e-6)


def test_parts_come_image_by_image_and_are_cut_alike():
    first, second = picture(2, 20, 20, 3)
    together = transform.random_crops(5, 5, number=3)
    with randomness.stream(1):
        parts = together(np.stack([first, second])).numpy()
    with randomness.stream(1):
        alone = together(second[None]).numpy()
    assert parts.shape == (6, 5, 5, 3)
    np.testing.assert_array_equal(parts[3:], alone)
    assert len({part.tobytes() for part in parts}) == 6


def test_parts_made_smaller_are_smoothed():
    noise = np.random.default_rng(0).normal(size=[1, 64, 64, 1]).astype(np.float32)
    small = transform.random_crops(8, 8, (1, 1))(noise)
    assert np.std(small) < 0.2


# noise


def test_noise_has_its_deviation_and_a_pixel_its_own():
    image = np.full([2, 40, 40, 3], 0.5, np.float32)
    noisy = transform.noise(0.2)(image).numpy() - image
    assert noisy.std() == pytest.approx(0.2, rel=0.05)
    assert abs(np.corrcoef(noisy[0].ravel(), noisy[1].ravel())[0, 1]) < 0.1
    np.testing.assert_array_equal(transform.noise(0)(image), image)


FACTORIES = {
    "jitter": lambda: transform.jitter(2),
    "pad": lambda: transform.pad(2),
    "scale": lambda: transform.random_scale([0.5, 2]),
    "rotate": lambda: transform.random_rotate([10, 20]),
    "gradient": lambda: transform.normalize_gradient([1, 2]),
    "crop": lambda: transform.crop_or_pad_to(4, 5),
    "parts": lambda: transform.random_crops(4, 5),
    "noise": lambda: transform.noise(0.2),
}


@given(h=st.integers(5, 9), w=st.integers(5, 9), ch=st.integers(1, 5))
@settings(deadline=None, max_examples=5)
@pytest.mark.parametrize("make", FACTORIES.values(), ids=FACTORIES)
def test_known_sizes_stay_known_and_true(make, h, w, ch):
    f = tf.function(make(), input_signature=[tf.TensorSpec([2, None, w, ch])])
    declared = f.get_concrete_function().structured_outputs.shape
    assert declared[0] == 2
    assert declared[3] == ch
    actual = f(picture(2, h, w, ch)).shape
    assert declared.is_compatible_with(actual)
    assert (declared[2] is None) == (make.__code__ is FACTORIES["scale"].__code__)


@pytest.mark.parametrize("make", FACTORIES.values(), ids=FACTORIES)
def test_arrays_in_double_precision_are_accepted(make):
    assert make()(picture(2, 6, 6, 3).astype(np.float64)).dtype == tf.float32


@pytest.mark.parametrize("make", FACTORIES.values(), ids=FACTORIES)
def test_what_is_not_an_image_is_refused(make):
    with pytest.raises(InvalidValueError, match="H, W, C"):
        make()(np.zeros([4, 4]))


@pytest.mark.parametrize(
    "make",
    [
        lambda seed: transform.jitter(5, seed=seed),
        lambda seed: transform.random_scale(np.linspace(0.5, 2, 50), seed=seed),
        lambda seed: transform.random_rotate(range(180), seed=seed),
        lambda seed: transform.random_crops(8, 8, seed=seed),
        lambda seed: transform.noise(seed=seed),
    ],
)
def test_a_seed_repeats_the_draws_of_a_transform_over_runs(make):
    def run(transform_seed, run_seed):
        f = make(transform_seed)
        image, results = picture(1, 16, 16, 1), []
        for step in range(3):
            with randomness.stream(run_seed, step):
                results.append(f(image).numpy())
        return results

    def equal(a, b):
        return all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))

    assert equal(run(None, 1), run(None, 1))
    assert not equal(run(None, 1), run(None, 2))
    assert equal(run(7, 1), run(7, 2))


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (lambda: transform.jitter(3), lambda: transform.jitter(np.int64(3))),
        (lambda: transform.pad(3, "reflect"), lambda: transform.pad(3)),
        (lambda: transform.random_scale([1, 2]), lambda: transform.random_scale(iter((1.0, 2.0)))),
        (
            lambda: transform.random_rotate(range(3), "rad"),
            lambda: transform.random_rotate(np.arange(3), "Radians"),
        ),
        (transform.normalize_gradient, lambda: transform.normalize_gradient(None)),
        (transform.collapse_alpha_random, lambda: transform.collapse_alpha_random(0.5)),
        (
            lambda: transform.compose(transform.standard_transforms),
            lambda: transform.compose(tuple(transform.standard_transforms)),
        ),
        (lambda: transform.compose([]), lambda: transform.compose(())),
    ],
)
def test_equal_arguments_make_equal_hashable_keys(a, b):
    assert a().key == b().key is not None
    assert hash(a().key) == hash(b().key)


def test_other_arguments_make_other_keys():
    keys = [
        transform.jitter(3).key,
        transform.jitter(4).key,
        transform.jitter(3, seed=1).key,
        transform.random_scale([1, 2]).key,
        transform.random_scale([2, 1]).key,
        transform.random_rotate([1]).key,
        transform.random_rotate([1], "rad").key,
        transform.compose([transform.jitter(3)]).key,
        transform.compose([transform.jitter(3), transform.jitter(4)]).key,
        transform.compose([transform.jitter(4), transform.jitter(3)]).key,
    ]
    assert len(set(keys)) == len(keys)


def test_what_cannot_be_compared_has_no_key():
    assert transform.pad(1, "constant", tf.constant(0.5)).key is None
    assert transform.collapse_alpha_random(tf.Variable(0.5)).key is None
    assert transform.compose([transform.jitter(1), lambda t: t]).key is None


@pytest.mark.parametrize(
    "make",
    [
        lambda: transform.jitter(1.5),
        lambda: transform.jitter(True),
        lambda: transform.jitter(1, seed="a"),
        lambda: transform.pad("12"),
        lambda: transform.pad(1, mode=None),
        lambda: transform.pad(1, "constant", None),
        lambda: transform.random_scale(1.1),
        lambda: transform.random_scale("12"),
        lambda: transform.random_scale(["big"]),
        lambda: transform.random_rotate(None),
        lambda: transform.random_rotate([1], units=1),
        lambda: transform.normalize_gradient(2.0),
        lambda: transform.compose(3),
        lambda: transform.compose(["jitter"]),
        lambda: transform.collapse_alpha_random("half"),
        lambda: transform.crop_or_pad_to(5.0, 5),
        lambda: transform.random_crops(5.0, 5),
        lambda: transform.random_crops(5, 5, sides=0.5),
        lambda: transform.random_crops(5, 5, number=None),
        lambda: transform.noise("loud"),
    ],
)
def test_arguments_of_another_type_are_refused_at_once(make):
    with pytest.raises(InvalidTypeError, match="got"):
        make()


@pytest.mark.parametrize(
    "make",
    [
        lambda: transform.jitter(-1),
        lambda: transform.pad(-1),
        lambda: transform.pad(1, mode="mirror"),
        lambda: transform.pad(1, "constant", "grey"),
        lambda: transform.pad(1, "constant", float("nan")),
        lambda: transform.random_scale([]),
        lambda: transform.random_scale([1, 0]),
        lambda: transform.random_scale([1, float("inf")]),
        lambda: transform.random_rotate([]),
        lambda: transform.random_rotate([[1, 2], [3, 4]]),
        lambda: transform.random_rotate([90], units="turns"),
        lambda: transform.normalize_gradient([]),
        lambda: transform.collapse_alpha_random(-1),
        lambda: transform.crop_or_pad_to(0, 5),
        lambda: transform.random_crops(5, 0),
        lambda: transform.random_crops(5, 5, sides=(0.5, 0.4)),
        lambda: transform.random_crops(5, 5, sides=(0, 1)),
        lambda: transform.random_crops(5, 5, sides=(0.5, 1.5)),
        lambda: transform.random_crops(5, 5, number=0),
        lambda: transform.noise(-0.1),
        lambda: transform.noise(float("nan")),
    ],
)
def test_impossible_arguments_are_refused_at_once(make):
    with pytest.raises(InvalidValueError):
        make()
