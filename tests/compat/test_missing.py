"""What went with TensorFlow 1."""

import pytest

from lucidx import errors


@pytest.mark.parametrize("path", ["flags_of_old", "contrib.ffmpeg", "layers.conv9d"])
def test_an_error_of_lucidx_and_an_attribute_error(installed, path):
    import tensorflow as tf

    *parents, name = path.split(".")
    for parent in parents:
        tf = getattr(tf, parent)
    with pytest.raises(errors.MissingFromTensorFlow1Error, match=name) as caught:
        getattr(tf, name)
    assert isinstance(caught.value, AttributeError) and isinstance(caught.value, errors.LucidxError)
    assert not hasattr(tf, name)
