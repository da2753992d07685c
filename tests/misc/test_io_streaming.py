import numpy as np
import pytest
from PIL import Image

from lucidx.errors import InvalidValueError
from lucidx.misc.io.streaming import stream_animation

SIZE = (31, 45)  # odd, as codecs do not have it


def ramps(number):
    """Frames that become lighter."""
    y, x = np.mgrid[: SIZE[0], : SIZE[1]] / 45
    for n in range(number):
        yield np.stack([x, y, np.full(SIZE, n / number)], -1)


def test_a_gif_has_all_frames_with_their_own_colours(tmp_path):
    path = tmp_path / "a.gif"
    assert stream_animation(ramps(5), path, fps=10) == 5
    with Image.open(path) as gif:
        assert (gif.n_frames, gif.size, gif.info["loop"]) == (5, SIZE[::-1], 0)
        for n, frame in enumerate(ramps(5)):
            gif.seek(n)
            assert gif.info["duration"] == 100
            assert np.abs(np.asarray(gif.convert("RGB")) / 255 - frame).mean() < 0.03


@pytest.mark.parametrize("extension", ["mp4", "mov", "webm"])
def test_a_video_has_all_frames(tmp_path, extension):
    pytest.importorskip("imageio_ffmpeg", reason="needs the extra video")
    from imageio import v3 as imageio

    path = tmp_path / f"a.{extension}"
    assert stream_animation(ramps(12), path) == 12
    video = imageio.imread(path) / 255
    assert video.shape == (12, 30, 44, 3)
    np.testing.assert_allclose(video[:, 15, 22, 2], np.arange(12) / 12, atol=0.1)
    assert imageio.immeta(path)["fps"] == 20


def test_frames_are_taken_one_at_a_time(tmp_path):
    held = []

    class Frame(np.ndarray):
        def __del__(self):
            held.remove(id(self))

    def frames():
        for frame in ramps(6):
            frame = frame.view(Frame)
            held.append(id(frame))
            assert len(held) <= 2
            yield frame

    assert stream_animation(frames(), tmp_path / "a.gif") == 6


def failing():
    yield from ramps(2)
    raise InvalidValueError("no more")


def growing():
    yield from ramps(2)
    yield np.zeros((40, 40, 3))


@pytest.mark.parametrize("frames", [failing, growing])
@pytest.mark.parametrize("extension", ["gif", "mp4"])
def test_what_cannot_be_finished_leaves_nothing_behind(tmp_path, frames, extension):
    if extension == "mp4":
        pytest.importorskip("imageio_ffmpeg", reason="needs the extra video")
    path = tmp_path / f"a.{extension}"
    path.write_bytes(b"what was there")
    with pytest.raises(InvalidValueError, match=r"no more|one size"):
        stream_animation(frames(), path)
    assert [file.read_bytes() for file in tmp_path.iterdir()] == [b"what was there"]


@pytest.mark.parametrize(("name", "says"), [("a.avi", ".mp4"), ("a", "without extension")])
def test_other_formats_are_refused_before_the_first_frame(tmp_path, name, says):
    with pytest.raises(InvalidValueError, match=says):
        stream_animation(failing(), tmp_path / name)


def test_no_frames_are_refused(tmp_path):
    with pytest.raises(InvalidValueError, match="no frames"):
        stream_animation([], tmp_path / "a.gif")
    assert not list(tmp_path.iterdir())
