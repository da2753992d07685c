"""Image parameterizations: functions that make variables and return an image to optimise.

A parameterization is a plain function: whatever makes `tf.Variable`s and returns a tensor will do,
and the results of those here may be stacked, sliced and processed freely ("Differentiable Image
Parameterizations", Mordvintsev et al., Distill 2018). They work eagerly, while a `tf.function` is
traced, and in a `tf.Graph`.
"""

from lucidx.optvis.param import color, images, lowres, magnitude, photos, random, spatial
from lucidx.optvis.param.color import from_valid_rgb, to_valid_rgb
from lucidx.optvis.param.cppn import cppn
from lucidx.optvis.param.images import grayscale_image_rgb, image
from lucidx.optvis.param.lowres import lowres_tensor
from lucidx.optvis.param.magnitude import maco_image, magnitude_of, natural_magnitude
from lucidx.optvis.param.photos import image_from
from lucidx.optvis.param.random import image_sample
from lucidx.optvis.param.spatial import fft_image, laplacian_pyramid, naive

__all__ = [
    "color",
    "cppn",
    "fft_image",
    "from_valid_rgb",
    "grayscale_image_rgb",
    "image",
    "image_from",
    "image_sample",
    "images",
    "laplacian_pyramid",
    "lowres",
    "lowres_tensor",
    "maco_image",
    "magnitude",
    "magnitude_of",
    "naive",
    "natural_magnitude",
    "photos",
    "random",
    "spatial",
    "to_valid_rgb",
]
