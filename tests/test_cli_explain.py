"""`lucidx explain`: a page to explore, from a photo."""

import pytest
from command import lucidx, refused
from sklearn.datasets import load_sample_images

PHOTO = load_sample_images().filenames[1]


def test_a_page_is_written_that_names_the_classes_asked_for(tmp_path):
    done = lucidx(
        "explain", PHOTO, "--interface", "spatial-attribution", "--classes", "daisy,picket fence",
        "--layers", "block4c/expand", cwd=tmp_path, LUCIDX_CACHE=str(tmp_path / "cache"),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout == "explain.html\n"
    page = (tmp_path / "explain.html").read_text("utf-8")
    assert "daisy" in page and "picket fence" in page and "block4c/expand" in page
    assert "http://" not in page and "https://" not in page


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nothing.jpg"], "'nothing.jpg' does not exist"),
        ([PHOTO, "-o", "x.png"], "does not end in one of .html"),
        ([PHOTO, "--interface", "crystal-ball"], "'crystal-ball' is not one of"),
        ([PHOTO, "-m", "EfficientNetLite1"], "Did you mean 'EfficientNetLite0'"),
        ([PHOTO, "--interface", "neuron-groups", "--classes", "dasy"], "Did you mean 'daisy'"),
        ([PHOTO, "--layers", "haed"], "Did you mean 'head'"),
    ],
)
def test_bad_input_is_refused(tmp_path, arguments, message):
    assert message in refused("explain", *arguments, cwd=tmp_path)
    assert not list(tmp_path.iterdir())
