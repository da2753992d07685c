"""Everything public that Lucid 0.3.10 had is in lucidx, and can be called as it was.

`lucid_api.json` lists Lucid's modules. What counts of it:

- "functions", "classes" with "methods", and "reexports": all. What decorators made of signatures
  ("runtime_signatures") does not: nobody called `f(*inputs)` otherwise than the function beneath.
- "constants": the names, and the values of plain data.
- "attributes" of classes: those without a leading underscore. "instance_attributes" are seen only
  on instances, which the tests of each class make; "bases" are how the original was built.
- "semi_public", names with a leading underscore: those that user code can have a use for, with the
  parameters that are named. Those in `PRIVATE` are how the original was built inside.
- "leaked_reexports", accidents of `import *`; "not_reexported", what packages did not offer, which
  lucidx may; "decorators" and "note", for people: none of these counts.

A signature is compatible if every call that was valid is valid: the same parameters in the same
order, no further ones that are required or have a position, and the same defaults where those are
plain data.
"""

import ast
import importlib
import inspect
import json
import pathlib
import re

import numpy as np
import pytest

API = json.loads((pathlib.Path(__file__).parent / "lucid_api.json").read_text())
PRIVATE = {
    "_generate_models_map": "lucidx makes models from manifests",
    "_layers_from_list_of_dicts": "lucidx makes layers from manifests",
    "_populate_inception_bottlenecks": "Model.post_import does it for any scope",
    "_constrain_L2_grad": "the gradient of a function whose gradient lucidx corrects",
    "_constrain_L_inf_grad": "the gradient of a function whose gradient lucidx corrects",
}
OF_PICKLE = {"__getstate__", "__setstate__"}  # how copies are made; that they are, others test
NAMED = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


def module_of(path):
    return importlib.import_module(path.replace("lucid", "lucidx", 1))


def found(path, name):
    """What lucidx has in place of `name` in Lucid's module `path`; fails if there is nothing."""
    thing = module_of(path)
    for part in name.split("."):
        assert hasattr(thing, part), f"lucidx lacks {part!r} of {path}.{name}"
        thing = (
            inspect.getattr_static(thing, part) if inspect.isclass(thing) else getattr(thing, part)
        )
    return thing


def entries(kind):
    return [(path, name) for path, module in API.items() for name in module.get(kind, {})]


def signature_of(text):
    """Signature written as in the list: names in defaults that are no plain data stay code."""
    code = text[text.index("(") :]
    arguments = ast.parse(f"def f{code}: pass").body[0].args
    positional = arguments.posonlyargs + arguments.args
    missing = len(positional) - len(arguments.defaults)
    kind = inspect.Parameter
    parameters = [
        (
            a.arg,
            kind.POSITIONAL_OR_KEYWORD,
            arguments.defaults[n - missing] if n >= missing else None,
        )
        for n, a in enumerate(positional)
    ]
    if arguments.vararg:
        parameters.append((arguments.vararg.arg, kind.VAR_POSITIONAL, None))
    parameters += [
        (a.arg, kind.KEYWORD_ONLY, default)
        for a, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
    ]
    if arguments.kwarg:
        parameters.append((arguments.kwarg.arg, kind.VAR_KEYWORD, None))
    return parameters


def plain(value):
    """Value that compares: tuples are lists, since a default is only read."""
    if isinstance(value, tuple | list):
        return [plain(item) for item in value]
    if isinstance(value, np.ndarray | np.generic):
        return plain(value.tolist())
    return value


def default_problem(name, given, ours):
    try:
        wanted = ast.literal_eval(given)
    except ValueError:
        return None if ours is not inspect.Parameter.empty else f"{name} is required"
    if ours is inspect.Parameter.empty:
        return f"{name} is required"
    same = plain(ours) == plain(wanted)
    return None if same else f"{name} is {ours!r} by default, and was {wanted!r}"


def problems(text, function):
    """Why calls that were valid with the signature `text` are not valid with the function's."""
    ours = dict(inspect.signature(function).parameters)
    any_name = any(p.kind is p.VAR_KEYWORD for p in ours.values())
    any_position = any(p.kind is p.VAR_POSITIONAL for p in ours.values())
    positions = [
        name for name, p in ours.items() if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)
    ]
    theirs = signature_of(text)
    for n, (name, kind, default) in enumerate(theirs):
        if kind is inspect.Parameter.VAR_KEYWORD:
            if not any_name:
                yield f"**{name} is not taken"
        elif kind is inspect.Parameter.VAR_POSITIONAL:
            if not any_position:
                yield f"*{name} is not taken"
        elif name not in ours:
            if not (any_name and (any_position or kind is inspect.Parameter.KEYWORD_ONLY)):
                yield f"there is no {name}"
        else:
            if kind is not inspect.Parameter.KEYWORD_ONLY and positions[n : n + 1] != [name]:
                yield f"{name} is not parameter {n}"
            if default is not None:
                problem = default_problem(name, default, ours[name].default)
                if problem:
                    yield problem
    known = {name for name, _, _ in theirs}
    for name, p in ours.items():
        variable = p.kind in (p.VAR_KEYWORD, p.VAR_POSITIONAL)
        if name not in known and not variable and p.default is p.empty:
            yield f"{name} is required, and was not there"
        if (
            name not in known
            and p.kind is p.POSITIONAL_OR_KEYWORD
            and not any(kind is inspect.Parameter.VAR_POSITIONAL for _, kind, _ in theirs)
        ):
            yield f"{name} is new, and not keyword-only"


def check(text, function, where):
    wrong = list(problems(text, function))
    assert not wrong, f"{where}{text}: {'; '.join(wrong)}"


def kind_and_text(text):
    kind, _, signature = text.partition("(")
    return kind.strip(), f"({signature}"


@pytest.mark.parametrize(
    ("ours", "problem"),
    [
        (lambda x, y=(1, 2), *, z=None, new=0, **more: 0, None),
        (lambda x, y=[1, 2], *more, z=None, **others: 0, None),
        (lambda x, y=(1, 2), **more: 0, None),
        (lambda x, y, *, z=None, **more: 0, "y is required"),
        (lambda x, y=(1, 3), *, z=None, **more: 0, "by default"),
        (lambda y=(1, 2), x=0, *, z=None, **more: 0, "not parameter 0"),
        (lambda x, new=0, y=(1, 2), *, z=None, **more: 0, "not keyword-only"),
        (lambda x, y=(1, 2), *, z=None, new, **more: 0, "was not there"),
        (lambda x, y=(1, 2), *, z=None: 0, "more is not taken"),
        (lambda x, *, z=None, **more: 0, "there is no y"),
    ],
)
def test_incompatible_signatures_are_noticed(ours, problem):
    found = list(problems("(x, y=(1, 2), *, z=None, **more)", ours))
    assert not found if problem is None else any(problem in text for text in found)


@pytest.mark.parametrize("path", API)
def test_every_module_is_there(path):
    module_of(path)


@pytest.mark.parametrize(("path", "name"), entries("functions"))
def test_every_function_is_called_as_it_was(path, name):
    check(API[path]["functions"][name], found(path, name), f"{path}.{name}")


@pytest.mark.parametrize(("path", "name"), entries("classes"))
def test_every_class_has_its_methods(path, name):
    described = API[path]["classes"][name]
    cls = found(path, name)
    assert inspect.isclass(cls)
    for method, text in described["methods"].items():
        if method in OF_PICKLE:
            continue
        ours = found(path, f"{name}.{method}")
        kind, signature = kind_and_text(text)
        where = f"{path}.{name}.{method}"
        if kind == "property":
            assert not callable(ours) and hasattr(ours, "__get__"), f"{where} is no property"
            continue
        if kind in ("classmethod", "staticmethod"):
            wanted = {"classmethod": classmethod, "staticmethod": staticmethod}[kind]
            assert isinstance(ours, wanted), f"{where} is no {kind}"
            ours = ours.__func__
        check(signature, ours, where)
    for attribute in described["attributes"]:
        if attribute != "see" and not attribute.startswith("_"):
            found(path, f"{name}.{attribute}")


@pytest.mark.parametrize(("path", "name"), entries("reexports"))
def test_every_reexport_is_the_thing_itself(path, name):
    source = API[path]["reexports"][name]
    ours = found(path, name)
    if name == "lucid_svelte" and ours is None:
        return  # as Lucid's is outside of IPython
    if not source.startswith("lucid."):
        assert ours is importlib.import_module(source)
        return
    try:
        original = found(*source.rsplit(".", 1))
    except AssertionError:
        original = module_of(source)
    assert ours is original


@pytest.mark.parametrize(("path", "name"), entries("constants"))
def test_every_constant_has_its_value(path, name):
    wanted, ours = API[path]["constants"][name], found(path, name)
    if name == "__version__":
        return  # lucidx counts its own
    if isinstance(wanted, dict) and "ndarray" in wanted:
        assert np.allclose(ours, wanted["ndarray"]) and ours.dtype == wanted["dtype"]
    elif isinstance(wanted, dict) or name == "__all__":
        assert set(wanted) <= set(ours)
    elif isinstance(wanted, str):  # a description
        assert callable(ours) or isinstance(ours, re.Pattern) or ours == wanted
    elif name == "standard_transforms":  # descriptions
        assert len(ours) == len(wanted) and all(map(callable, ours))
    elif isinstance(wanted, float):
        assert ours == pytest.approx(wanted, rel=1e-5)
    else:
        assert plain(ours) == wanted


@pytest.mark.parametrize(
    ("path", "name"), [e for e in entries("semi_public") if e[1] not in PRIVATE]
)
def test_what_user_code_took_though_it_was_private(path, name):
    text = API[path]["semi_public"][name]
    cls, _, attribute = name.partition(".")
    if "(" not in text:
        assert hasattr(found(path, cls)(), attribute)
        return
    kind, signature = kind_and_text(text)
    ours = found(path, name)
    ours = ours.__func__ if kind == "classmethod" else ours
    known = [parameter for parameter, of_kind, _ in signature_of(signature) if of_kind in NAMED]
    named = [parameter for parameter in inspect.signature(ours).parameters if parameter in known]
    assert named == known
