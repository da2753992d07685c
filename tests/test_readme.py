"""What README shows runs as it stands."""

import re
import shlex
from pathlib import Path

import click
import numpy as np
import pytest

README = Path(__file__).parents[1] / "README.md"


def blocks(heading, language):
    """The blocks of code of a section."""
    section = README.read_text("utf-8").split(f"\n## {heading}\n")[1].split("\n## ")[0]
    return re.findall(rf"```{language}\n(.*?)```", section, re.DOTALL)


@pytest.mark.slow
def test_what_a_model_sees_in_a_photo(efficientnet, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LUCIDX_CACHE", str(tmp_path / "cache"))
    (block,) = blocks("What a model sees in a photo", "python")
    done = {}
    exec(block, done)
    effect, groups = done["effect"], done["groups"]
    assert abs(effect.unweighted_gap) < 0.2
    assert effect.groups(groups).effects.shape == (6,)
    assert done["pictures"].shape == (6, 80, 80, 3) and np.ptp(done["pictures"]) > 0.5
    assert "palace" in (tmp_path / "page.html").read_text("utf-8")


def commands():
    """Lines of README that call lucidx."""
    found = re.findall(r"```sh\n(.*?)```", README.read_text("utf-8"), re.DOTALL)
    lines = [line for block in found for line in block.splitlines()]
    return [line for line in lines if line.startswith("lucidx ")]


@pytest.mark.parametrize("line", commands())
def test_commands_have_the_options_that_they_use(line):
    from lucidx.cli import main

    command, words = main, shlex.split(line, comments=True)[1:]
    context = click.Context(main)
    while isinstance(command, click.Group) and words:
        command = command.get_command(context, words.pop(0))
        assert command is not None
    if not isinstance(command, click.Group):
        command.make_parser(context).parse_args(words)
