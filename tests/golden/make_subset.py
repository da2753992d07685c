"""Cut some cases out of a golden folder into a smaller folder of the same format."""

from __future__ import annotations

import argparse
import fnmatch
import json
from collections import defaultdict
from pathlib import Path

import numpy as np

# The original's own text, not numbers: never compared, and not kept here.
TEXTS = {"code_whitespace_normalised", "html"}


def subset(index: dict, patterns: list[str]) -> dict:
    """Return the index with only the cases whose id matches one of `patterns`."""
    chosen = []
    for pattern in patterns:
        found = [case for case in index["cases"] if fnmatch.fnmatchcase(case["id"], pattern)]
        if not found:
            raise SystemExit(f"no case matches {pattern!r}")
        chosen += found
    ids = {case["id"] for case in chosen}
    cases = [_without_texts(case) for case in index["cases"] if case["id"] in ids]
    sections = dict.fromkeys(index["cases_per_section"], 0)
    for case in cases:
        sections[case["section"]] += 1
    return {**index, "number_of_cases": len(cases), "cases_per_section": sections, "cases": cases}


def _without_texts(case: dict) -> dict:
    kept = {k: v for k, v in case.get("expected", {}).items() if k not in TEXTS}
    return {**case, "expected": kept} if "expected" in case else case


def write(index: dict, full: Path, out: Path) -> None:
    """Write `index` and the arrays that its cases name."""
    keys = defaultdict(set)
    for case in index["cases"]:
        keys[case["npz"]] |= {*case["inputs"].values(), *case["outputs"].values()}
    out.mkdir(parents=True, exist_ok=True)
    for file, names in sorted(keys.items()):
        with np.load(full / file) as archive:
            np.savez_compressed(out / file, **{name: archive[name] for name in sorted(names)})
    (out / "index.json").write_text(json.dumps(index, indent=1) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, fromfile_prefix_chars="@")
    parser.add_argument("full", type=Path, help="golden folder to cut from")
    parser.add_argument("out", type=Path, help="folder to write")
    parser.add_argument("patterns", nargs="+", help="ids of cases, or shell patterns of ids")
    args = parser.parse_args()
    index = subset(json.loads((args.full / "index.json").read_text()), args.patterns)
    write(index, args.full, args.out)
    size = sum(file.stat().st_size for file in args.out.iterdir())
    print(f"{index['number_of_cases']} cases, {size} bytes")


if __name__ == "__main__":
    main()
