"""Comparison of what lucidx gave with what was recorded, by the rules of the index."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from parity.cases import Case, Outcome

# Recorded for people to read: how the original said or did it, not what it computed.
INFORMATIONAL = {
    "code_whitespace_normalised",
    "html",
    "independent_of_offsets",
    "max_abs_difference_numpy_vs_tf_slim",
    "message",
    "variable_names_in_lucid",
}
SOLVER_RTOL = 1e-3  # for a number in JSON, which comes without a tolerance of its own


def mismatches(case: Case, outcomes: Iterable[Outcome]) -> list[str]:
    """Say, in one sentence each, which recorded arrays and values are missed in which setting."""
    required = {*case["outputs"], *case.expected} - INFORMATIONAL
    problems, given = [], set()
    for setting, arrays, values in outcomes:
        given |= {*arrays, *values}
        for name in arrays.keys() & required:
            problem = _array_mismatch(arrays[name], case.output(name), case["tolerance"][name])
            problems += [f"[{setting}] {name}: {problem}"] if problem else []
        for name in values.keys() & required:
            actual, recorded = values[name], case.expected[name]
            if not _same_value(actual, recorded):
                problems.append(f"[{setting}] {name}: {actual!r}, recorded {recorded!r}")
    missing = required - given
    return problems + [f"{name} is recorded and not computed by the suite" for name in missing]


def _array_mismatch(actual: Any, recorded: np.ndarray, tolerance: Mapping[str, Any]) -> str | None:
    if tolerance.get("informational"):
        return None
    actual = np.asarray(actual)
    if actual.shape != recorded.shape:
        return f"shape {actual.shape}, recorded {recorded.shape}"
    if actual.dtype.kind != recorded.dtype.kind:
        return f"dtype {actual.dtype}, recorded {recorded.dtype}"
    actual, recorded = actual.astype(np.float64), recorded.astype(np.float64)
    with np.errstate(invalid="ignore"):
        deviation = np.where(np.isnan(actual) & np.isnan(recorded), 0, np.abs(actual - recorded))
        allowed = tolerance["atol"] + tolerance["rtol"] * np.abs(recorded)
        outside = ~(deviation <= allowed)
    if outside.sum() <= tolerance.get("max_mismatch_fraction", 0) * outside.size:
        return None
    relative_l2 = np.linalg.norm(deviation) / max(np.linalg.norm(recorded), np.finfo(float).tiny)
    if relative_l2 <= tolerance.get("rel_l2", -1):
        return None
    excess = np.where(outside, np.nan_to_num(deviation - allowed, nan=np.inf), -np.inf)
    worst = tuple(int(i) for i in np.unravel_index(np.argmax(excess), excess.shape))
    return (
        f"{outside.sum()} of {outside.size} elements are off, the worst at {worst}: "
        f"{actual[worst]:.7g}, recorded {recorded[worst]:.7g}, deviation {deviation[worst]:.3g} "
        f"where {allowed[worst]:.3g} is allowed; relative L2 deviation {relative_l2:.3g} where "
        f"{tolerance.get('rel_l2', 'none')} is allowed"
    )


def _same_value(actual: Any, expected: Any) -> bool:
    if isinstance(expected, float) and isinstance(actual, float):
        return abs(actual - expected) <= SOLVER_RTOL * abs(expected)
    return actual == expected
