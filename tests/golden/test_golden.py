import pytest
from parity import RUNNERS, mismatches

from lucidx.errors import LucidxError, WeightsNotFoundError

# Where Lucid's numbers are mistakes, and lucidx has others.
CORRECTED = {
    "param/multi_interpolation_basis/N3_M4_W8": "Lucid took wrong entries for the lower triangle",
    "model/get_activations_iter/rms_dup": "of a mean square, Lucid did not square the first",
    "misc/normalize_array/uint8_default_domain": "in Lucid, images in bytes became black",
}


def test_lucidx_computes_what_lucid_computed(case):
    kind = case["kind"]
    assert kind in RUNNERS, f"this suite cannot run cases of kind {kind!r}"
    try:
        problems = mismatches(case, RUNNERS[kind](case))
    except WeightsNotFoundError as error:
        pytest.skip(str(error))
    except (AssertionError, LucidxError) as error:
        if case.id not in CORRECTED:
            raise
        problems = [repr(error)]
    if case.id in CORRECTED:
        assert problems, "this mistake of Lucid's is back"
        pytest.xfail(CORRECTED[case.id])
    assert not problems, "\n".join([case.id, *problems])
