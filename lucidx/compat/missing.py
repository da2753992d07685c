"""What TensorFlow 1 had and lucidx does not give back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from lucidx.errors import InvalidValueError, MissingFromTensorFlow1Error, did_you_mean

# What TensorFlow 1 had, by module; of other modules it is not known.
_GONE = {
    "tf": """
        batch_matmul complex_abs concat_v2 estimator examples histogram_summary image_summary
        listdiff merge_all_summaries mul neg pack scalar_summary select sub tensorboard unpack
    """,
    "tf.contrib": """
        all_reduce batching bayesflow bigtable boosted_trees checkpoint cloud cluster_resolver coder
        compiler constrained_optimization copy_graph crf cudnn_rnn data decision_trees deprecated
        distribute distributions eager estimator factorization feature_column ffmpeg fused_conv gan
        graph_editor grid_rnn hooks input_pipeline integrate keras kernel_methods labeled_tensor
        learn legacy_seq2seq linear_optimizer lite lookup memory_stats meta_graph_transform metrics
        mixed_precision model_pruning nccl nearest_neighbor nn opt optimizer_v2 periodic_resample
        predictor proto quantization quantize receptive_field recurrent reduce_slice_ops resampler
        rnn rpc saved_model seq2seq session_bundle signal solvers sparsemax specs staging stateless
        stat_summarizer summary tensor_forest tensorboard tensorrt testing text tfprof timeseries
        tpu training util
    """,
    "tf.layers": """
        AveragePooling1D AveragePooling2D AveragePooling3D BatchNormalization Conv1D Conv2D
        Conv2DTranspose Conv3D Conv3DTranspose Dense Dropout Flatten InputSpec Layer MaxPooling1D
        MaxPooling2D MaxPooling3D SeparableConv1D SeparableConv2D average_pooling1d
        average_pooling3d conv1d conv3d conv3d_transpose experimental max_pooling1d max_pooling3d
        separable_conv1d
    """,
    "tf.contrib.slim": """
        batch_dot conv1d conv3d data dataset dataset_data_provider evaluation layer_norm
        model_analyzer model_variable nets parallel_reader prefetch_queue queues summaries
        tfexample_decoder unit_norm variable variables
    """,
    "slim.learning": "add_gradients_summaries train train_step",
}


def reporter(module: str, names: Sequence[str]) -> Callable[[str], NoReturn]:
    """Module-level `__getattr__` that says of a name that it is missing, and what there is.

    Parameters
    ----------
    module : as users call it, such as "tf.contrib.slim".
    names : what there is.
    """
    gone = _GONE.get(module, "").split()

    def report(name: str) -> NoReturn:
        if name.startswith("__"):
            raise AttributeError(name)
        why = (
            "went with TensorFlow 1, and lucidx has no replacement for it"
            if name in gone
            else "is no name that lucidx.compat knows"
        )
        raise MissingFromTensorFlow1Error(f"{module}.{name} {why}. {did_you_mean(name, names)}")

    return report


def refuse(function: str, **given: Any) -> None:
    """Refuse arguments of TensorFlow 1 that have no effect here.

    Parameters
    ----------
    function : as users call it, such as "slim.conv2d".
    given : arguments by name; None and False stand for what was not given.

    Raises
    ------
    InvalidValueError
    """
    for name, value in given.items():
        if value is not None and value is not False:
            raise InvalidValueError(
                f"{function} was given {name}={value!r}, which lucidx.compat cannot do: leave it "
                "out, or write this layer with tf.nn."
            )


def refuse_channels_first(function: str, data_format: str | None) -> None:
    """Refuse images whose channels are not their last axis.

    Raises
    ------
    InvalidValueError
    """
    if data_format not in (None, "NHWC", "channels_last"):
        raise InvalidValueError(
            f"{function} was given data_format={data_format!r}; lucidx.compat has layers for "
            "[N, H, W, C] only: use data_format='NHWC' ('channels_last' in tf.layers), after "
            "tf.transpose(images, [0, 2, 3, 1])."
        )
