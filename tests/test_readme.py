"""What README shows runs as it stands."""

import re
from pathlib import Path

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


def test_commands_of_the_section_have_the_options_that_they_use():
    from lucidx.cli import main

    (block,) = blocks("What a model sees in a photo", "sh")
    for line in block.splitlines():
        _, name, *rest = line.split("#")[0].split()
        known = {option for p in main.commands[name].params for option in p.opts}
        assert {word for word in rest if word.startswith("-")} <= known
