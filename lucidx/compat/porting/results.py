"""Which of TensorFlow 1's functions give whole numbers, and which do not."""

from __future__ import annotations

from typing import Literal, NamedTuple

import libcst as cst

Kind = Literal["int", "float", ""]  # "" is neither, as far as one knows


class Result(NamedTuple):
    """What a function gives.

    Attributes
    ----------
    kind : of its numbers, if nothing else decides.
    like : places of the arguments that are of the same kind.
    dtype : place of the parameter `dtype`, which decides where it is given; None if it has none.
    """

    kind: Kind = ""
    like: tuple[int, ...] = ()
    dtype: int | None = None


RESULTS: dict[str, Result] = {}
for _result, _names in {
    Result("int"): """
        arg_max arg_min argmax argmin bincount count_nonzero histogram_fixed_width
        invert_permutation rank shape shape_n size string_length to_int32 to_int64
        train.get_global_step train.get_or_create_global_step
    """,
    Result("float"): """
        acos asin atan cos cosh digamma div_no_nan erf erfc exp expm1
        image.per_image_standardization image.resize_bicubic image.resize_bilinear lgamma
        linspace log log1p nn.conv2d nn.conv2d_transpose nn.depthwise_conv2d nn.dropout nn.elu
        nn.l2_loss nn.l2_normalize nn.leaky_relu nn.log_softmax nn.lrn nn.separable_conv2d
        nn.sigmoid nn.sigmoid_cross_entropy_with_logits nn.softmax
        nn.softmax_cross_entropy_with_logits nn.softmax_cross_entropy_with_logits_v2 nn.softplus
        nn.softsign nn.sparse_softmax_cross_entropy_with_logits nn.tanh norm reciprocal rsqrt
        sigmoid sin sinh sqrt tan tanh to_double to_float train.exponential_decay truediv
    """,
    Result("float", dtype=3): """
        random.normal random.uniform random_normal random_uniform truncated_normal
    """,
    Result("float", dtype=2): "get_variable",
    Result("float", dtype=1): "ones zeros",
    Result(dtype=1): "cast",
    Result(dtype=0): "placeholder",
    Result(like=(0,), dtype=1): "constant convert_to_tensor ones_like zeros_like",
    Result(like=(0,), dtype=7): "Variable",
    Result(like=(0, 1, 2), dtype=3): "range",
    Result(like=(1,)): "fill",
    Result(like=(0, 1)): "add div floordiv floormod maximum minimum mod multiply subtract",
    Result(like=(0,)): """
        abs add_n clip_by_value concat cumprod cumsum expand_dims gather identity negative
        nn.avg_pool nn.bias_add nn.max_pool nn.relu nn.relu6 pad reduce_max reduce_mean
        reduce_min reduce_prod reduce_sum reshape reverse sign slice square squeeze stack
        stop_gradient strided_slice tile transpose unstack
    """,
}.items():
    RESULTS |= dict.fromkeys(_names.split(), _result)
# Keyword arguments that have no say in it.
WITHOUT_EFFECT = {
    *("axis", "collections", "keep_dims", "keepdims", "name", "num", "perm", "reduction_indices"),
    *("shape", "trainable"),
}


def dtype_of(node: cst.Call, place: int | None) -> cst.BaseExpression | None:
    """What a call gives as `dtype`, which has this place; None if nothing."""
    for arg in node.args:
        if arg.keyword and arg.keyword.value == "dtype":
            return arg.value
    return _positional(node)[place] if place in range(len(_positional(node))) else None


def deciding(node: cst.Call, places: tuple[int, ...]) -> list[cst.BaseExpression]:
    """Arguments of a call at some places; none if there are others that one cannot tell apart."""
    if any(arg.keyword and arg.keyword.value not in WITHOUT_EFFECT for arg in node.args):
        return []
    given = _positional(node)
    return [given[place] for place in places if place < len(given)]


def _positional(node: cst.Call) -> list[cst.BaseExpression]:
    starred = any(arg.star for arg in node.args)
    return [] if starred else [arg.value for arg in node.args if not arg.keyword]
