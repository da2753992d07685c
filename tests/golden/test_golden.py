import pytest
from parity import RUNNERS, mismatches

from lucidx.errors import LucidxError, WeightsNotFoundError


def test_lucidx_computes_what_lucid_computed(case):
    kind, quirk = case["kind"], case.get("quirk")
    assert kind in RUNNERS, f"this suite cannot run cases of kind {kind!r}"
    try:
        problems = mismatches(case, RUNNERS[kind](case))
    except WeightsNotFoundError as error:
        pytest.skip(str(error))
    except (AssertionError, LucidxError) as error:
        if not quirk:
            raise
        problems = [repr(error)]
    if problems and quirk and kind != "raises":
        pytest.xfail(f"Lucid's quirk is not kept: {quirk}")
    assert not problems, "\n".join([case.id, *problems])
