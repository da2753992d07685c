"""Imports of TensorFlow's insides, and what is said of those that fail."""

import importlib

import pytest
import tensorflow as tf2
from tensorflow.python.framework import graph_util as insides

import lucidx.compat
from lucidx.errors import InvalidValueError, LucidxError


def test_modules_inside_tensorflow_are_imported_from_their_packages(installed):
    from tensorflow.core.framework import graph_pb2
    from tensorflow.python.tools import freeze_graph, inspect_checkpoint, strip_unused

    assert callable(freeze_graph.freeze_graph)
    assert strip_unused.__name__ == "tensorflow.python.tools.strip_unused"
    assert inspect_checkpoint.__name__ == "tensorflow.python.tools.inspect_checkpoint"
    assert graph_pb2.GraphDef is tf2.compat.v1.GraphDef


def test_graphs_are_frozen_by_the_function_where_it_was(installed):
    import tensorflow as tf
    from tensorflow.python.framework import graph_util
    from tensorflow.python.framework.graph_util import convert_variables_to_constants

    assert graph_util.convert_variables_to_constants is convert_variables_to_constants
    y = tf.identity(tf.Variable([1.0, 2.0]), "y")
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        frozen = convert_variables_to_constants(session, session.graph_def, [y.op.name])
    assert "Const" in {node.op for node in frozen.node}
    assert "VarHandleOp" not in {node.op for node in frozen.node}


def test_insides_are_put_back():
    before = set(vars(insides))
    lucidx.compat.install()
    assert set(vars(insides)) > before or "convert_variables_to_constants" in before
    lucidx.compat.uninstall()
    assert set(vars(insides)) == before


def test_what_cannot_be_imported_from_is_explained_with_what_there_is(installed):
    with pytest.raises(ImportError, match=r"tf\.contrib\.rnn went with TensorFlow 1.*'slim'"):
        from tensorflow.contrib import rnn  # noqa: F401
    with pytest.raises(ImportError, match=r"tf\.placeholdr is no name .*'placeholder'"):
        from tensorflow import placeholdr  # noqa: F401
    with pytest.raises(ImportError, match="no_such_tool"):
        from tensorflow.python.tools import no_such_tool  # noqa: F401


def test_only_what_tensorflow_1_had_is_called_history(installed):
    import tensorflow as tf

    for module, had, never in (
        (tf, "estimator", "no_such_name"),
        (tf.contrib, "distributions", "destributions"),
        (tf.layers, "Dense", "dens"),
    ):
        with pytest.raises(AttributeError, match=f"{had} went with TensorFlow 1"):
            getattr(module, had)
        with pytest.raises(AttributeError, match=f"{never} is no name"):
            getattr(module, never)


def test_an_unreadable_module_is_a_syntax_error_with_its_file_and_line(modules, installed):
    modules("broken_module", "x = 1\ny = = 2\n")
    with pytest.raises(SyntaxError, match=r"broken_module\.py: Line 2") as caught:
        importlib.import_module("broken_module")
    error = caught.value
    assert isinstance(error, InvalidValueError) and isinstance(error, LucidxError)
    assert error.filename.endswith("broken_module.py") and error.lineno == 2


def test_a_copy_of_lucid_in_ones_own_code_is_passed_over_with_a_warning(
    tmp_path, monkeypatch, installed, recwarn
):
    (tmp_path / "lucid").mkdir()
    (tmp_path / "lucid" / "__init__.py").write_text("mine = True\n")
    monkeypatch.syspath_prepend(tmp_path)
    import lucid

    assert lucid is lucidx

    said = {str(each.message) for each in recwarn if "passed over" in str(each.message)}
    assert len(said) == 1 and str(tmp_path) in said.pop()
