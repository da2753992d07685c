"""Who sees which TensorFlow, and that `lucid` is lucidx."""

import builtins
import importlib
import subprocess
import sys

import pytest
import tensorflow as tf2

import lucidx.compat
from lucidx.optvis import objectives

ASKING = "import tensorflow as tf\nfound = tf.__version__\n"
ASKING += "def ask():\n    import tensorflow as tf\n    return tf.__version__\n"


def test_lucid_is_lucidx(installed):
    import lucid
    import lucid.optvis.objectives as theirs
    from lucid.misc.io import load, save, show
    from lucid.modelzoo.vision_models import InceptionV1
    from lucid.optvis.objectives import Objective

    assert lucid is lucidx
    assert theirs is lucid.optvis.objectives is objectives
    assert isinstance(objectives.channel("layer", 3), Objective)
    assert InceptionV1 is importlib.import_module("lucidx.modelzoo.vision_models").InceptionV1
    ours = importlib.import_module("lucidx.misc.io")
    assert (load, save, show) == (ours.load, ours.save, ours.show)


def test_what_is_patched_in_lucid_is_patched_in_lucidx(installed, monkeypatch):
    import lucid.optvis.render as render

    monkeypatch.setattr(render, "import_model", "patched")
    assert importlib.import_module("lucidx.optvis.render").import_model == "patched"


def test_what_lucidx_does_not_have_is_not_found_under_lucid_either(installed):
    with pytest.raises(ModuleNotFoundError, match=r"lucid\.no_such_thing"):
        import lucid.no_such_thing  # noqa: F401


def test_without_install_there_is_no_lucid_and_tensorflow_is_version_2():
    import tensorflow as tf

    assert tf is tf2 and tf.__version__.startswith("2")
    with pytest.raises(ModuleNotFoundError):
        import lucid  # noqa: F401


def test_importing_compat_changes_nothing_and_loads_no_tensorflow():
    program = "import builtins, sys; f = builtins.__import__; import lucidx.compat; "
    program += "assert builtins.__import__ is f and 'tensorflow' not in sys.modules"
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


def test_every_form_of_import_gives_the_same_tensorflow(installed):
    import tensorflow
    import tensorflow as tf
    import tensorflow.compat.v1 as tf1
    import tensorflow.contrib.slim as slim
    from tensorflow import gfile, placeholder
    from tensorflow.contrib.slim import conv2d
    from tensorflow.python.framework import ops

    assert tensorflow is tf is tf1 is tf.compat.v1
    assert tf.__version__.startswith("1.") and tf.VERSION.startswith("1.")
    assert tf.compat.v2 is tf2
    assert placeholder is tf.placeholder is tf2.compat.v1.placeholder
    assert gfile.Exists is tf.gfile.Exists
    assert conv2d is slim.conv2d is tf.contrib.slim.conv2d
    assert ops.get_default_graph() is tf.get_default_graph() and tf.Tensor is tf2.Tensor
    assert {"placeholder", "contrib", "Session"} <= set(dir(tf))


def test_imports_by_a_call_give_the_same_tensorflow(installed):
    import tensorflow as tf

    by_name = importlib.import_module
    assert by_name("tensorflow") is __import__("tensorflow") is tf
    assert by_name("tensorflow.contrib.slim") is tf.contrib.slim
    assert __import__("tensorflow.contrib.slim") is tf
    assert by_name("tensorflow.python.framework.ops").get_default_graph() is tf.get_default_graph()
    assert by_name("lucid.optvis.objectives") is objectives
    assert by_name(".objectives", "lucid.optvis") is objectives
    with pytest.raises(ModuleNotFoundError, match="ffmpeg"):
        by_name("tensorflow.contrib.ffmpeg")


BY_CALLS = "import importlib\nfound = importlib.import_module('tensorflow').__version__\n"
BY_CALLS += "also = __import__('tensorflow').__version__\n"


def test_libraries_import_tensorflow_2_by_calls(modules, installed):
    modules("library_of_calls", BY_CALLS, library=True)
    modules("own_calls", BY_CALLS)
    library = importlib.import_module("library_of_calls")
    own = importlib.import_module("own_calls")
    assert library.found == library.also == tf2.__version__
    assert own.found == own.also == "1.15.5"


def test_libraries_see_tensorflow_2_whenever_they_import(modules):
    modules("library_before", ASKING, library=True)
    modules("library_after", ASKING, library=True)
    modules("own_module", ASKING)
    before = importlib.import_module("library_before")
    lucidx.compat.install()
    try:
        import library_after
        import own_module

        assert before.found == before.ask() == tf2.__version__
        assert library_after.found == library_after.ask() == tf2.__version__
        assert own_module.found == own_module.ask() == "1.15.5"
    finally:
        lucidx.compat.uninstall()
    assert own_module.ask() == tf2.__version__


def test_own_modules_may_be_python_2(modules, installed, capsys):
    modules("old_module", "def say(x):\n    print 'half', x / 2\nvalues = range(2) + [5]\n")
    import old_module

    old_module.say(5)
    assert capsys.readouterr().out == "half 2\n"
    assert old_module.values == [0, 1, 5]


@pytest.fixture
def old_package(tmp_path, monkeypatch):
    """Function that writes a module of a package in which one is Python 2; beside it is `sizes`."""
    folder = tmp_path / "old_package"
    (folder / "layers").mkdir(parents=True)
    for name in ("__init__", "layers/__init__"):
        (folder / f"{name}.py").touch()
    (folder / "layers" / "dense.py").write_text("units = 7 / 2\n")
    (folder / "sizes.py").write_text("print 'old',\nwidth = 5\n")
    (folder / ".#sizes.py").symlink_to("nowhere")  # as an editor leaves it
    monkeypatch.syspath_prepend(tmp_path)

    def write(source):
        (folder / "module.py").write_text(source)
        return importlib.import_module("old_package.module")

    yield write
    for name in [name for name in sys.modules if name.partition(".")[0] == "old_package"]:
        del sys.modules[name]


def test_python_2_imports_modules_beside_it_by_their_bare_names(old_package, installed):
    source = "import sizes, json\nimport layers.dense\nfrom layers import dense as d\n"
    module = old_package(source + "half = sizes.width / 2\n")
    assert module.half == 2 and module.layers.dense is module.d
    assert module.sizes.__name__ == "old_package.sizes"
    assert module.json is importlib.import_module("json")


def test_python_2_that_imports_absolutely_does_not(old_package, installed):
    with pytest.raises(ModuleNotFoundError, match="'sizes'"):
        old_package("from __future__ import absolute_import\nimport sizes\n")


@pytest.mark.parametrize("source", ["import layers.no_such", "import sizes2"])
def test_what_is_not_beside_python_2_either_is_not_found(old_package, installed, source):
    with pytest.raises(ModuleNotFoundError, match=source.split(".")[-1].split()[-1]):
        old_package(source)


def test_missing_names_say_what_there_is(installed):
    import tensorflow as tf

    with pytest.raises(AttributeError, match=r"tf\.placeholdr .*'placeholder'"):
        _ = tf.placeholdr
    with pytest.raises(AttributeError, match=r"tf\.contrib\.ffmpeg .* 'slim'"):
        _ = tf.contrib.ffmpeg
    with pytest.raises(AttributeError, match=r"tf\.contrib\.slim\.conv2 .*'conv2d'"):
        _ = tf.contrib.slim.conv2
    with pytest.raises(ImportError, match="ffmpeg"):
        from tensorflow.contrib import ffmpeg  # noqa: F401
    with pytest.raises(ModuleNotFoundError, match=r"examples"):
        from tensorflow.examples.tutorials import mnist  # noqa: F401


def test_uninstall_puts_everything_back():
    def state():
        loaded = {name for name in sys.modules if name.split(".")[0] == "lucid"}
        shape = tf2.TensorShape
        hooks = (builtins.__import__, shape.__getitem__, shape.__iter__, importlib.import_module)
        return hooks, list(sys.meta_path), loaded, tf2.executing_eagerly()

    before = state()
    lucidx.compat.install()
    import lucid.optvis.render  # noqa: F401
    import tensorflow as tf

    tf.disable_v2_behavior()
    tf.InteractiveSession()
    assert state() != before
    lucidx.compat.uninstall()
    assert state() == before
    assert tf2.compat.v1.get_default_session() is None
    assert (tf2.constant(2) + 1).numpy() == 3
    assert tf2.Variable(1.0).numpy() == 1


def test_install_and_uninstall_may_be_repeated():
    before = builtins.__import__
    for _ in range(2):
        lucidx.compat.install()
        lucidx.compat.install()
        import tensorflow as tf

        assert tf.__version__.startswith("1")
        lucidx.compat.uninstall()
        lucidx.compat.uninstall()
        assert builtins.__import__ is before


def test_a_real_lucid_is_put_back(monkeypatch):
    real = type(sys)("lucid")
    monkeypatch.setitem(sys.modules, "lucid", real)
    lucidx.compat.install()
    import lucid as ours

    lucidx.compat.uninstall()
    assert ours is lucidx and sys.modules["lucid"] is real
