"""Stands in for `google.colab`, which is there on Colab only: what needs its page does nothing.

`from google.colab import files, drive, output, widgets, auth` gives these under `lucidx.compat`, to
the user's code, where the real ones are not installed. Libraries that look for `google.colab` to
find out where they run do not see it.
"""

from lucidx.compat.colab import auth, drive, files, output, widgets

__all__ = ["auth", "drive", "files", "output", "widgets"]
