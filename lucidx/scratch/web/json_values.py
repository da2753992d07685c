"""Python's values in scripts of web pages."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np


def script_json(value: Any) -> str:
    """JSON that may stand inside of a `<script>`.

    Parameters
    ----------
    value : what JSON can hold; also numpy's arrays and numbers, the latter as keys, too.
    """
    # "<" could end the script.
    return json.dumps(_plain(value)).replace("<", "\\u003c")


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray | np.generic):
        return _plain(value.tolist())
    if isinstance(value, Mapping):
        return {_plain(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value
