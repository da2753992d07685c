"""Thousands of damaged files: each is refused with a lucidx error, or works; and within seconds.

A file is its number: `PYTHONPATH=tests python tests/fuzz/trial.py 1234 1235` uses the same again.

What cannot be decided is whether a loop ends. A damaged file whose loop runs on when the graph is
computed is no failure here, as long as there are few of them.
"""

import collections
import concurrent.futures
import json
import os
import selectors
import subprocess
import sys
import time
from pathlib import Path

import pytest
import tensorflow as tf
import trial

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
LONGEST = 5.0  # seconds for one file
LOOPS = {"While", "StatelessWhile", "Enter"}
ENDLESS = "loop does not end"
MOST_ENDLESS = 0.005  # of the graphs; usual is 0.001


def start(first, last):
    paths = [str(HERE.parent), str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    return subprocess.Popen(
        [sys.executable, HERE / "trial.py", str(first), str(last)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        cwd=ROOT,
    )


def reports(process):
    """What a process reports; None when it has been silent for too long while using a file."""
    buffer, in_use, since = b"", False, time.monotonic()
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while True:
            if selector.select(0.5):
                received = os.read(process.stdout.fileno(), 2**16)
                if not received:
                    return
                *lines, buffer = (buffer + received).split(b"\n")
                for line in lines:
                    report = json.loads(line)
                    in_use = report[1] != "done"
                    if report[1] != "loaded":
                        since = time.monotonic()
                    yield report
            elif in_use and time.monotonic() - since > LONGEST:
                yield None


def outcomes(first, last):
    """Outcome by number of the files, each crash and hang put down to one of them."""
    found = {}
    slow = set()
    while first < last:
        process = start(first, last)
        number, stage = None, None
        hangs = False
        for report in reports(process):
            if report is None:
                hangs = True
                break
            number, stage, *outcome = report
            if outcome:
                (found[number],) = outcome
        process.kill()
        process.wait()
        process.stdout.close()
        if number is None:
            raise RuntimeError("The trial does not start.")
        if number not in found:
            if not hangs:
                found[number] = f"FAILED: crash ({process.returncode})"
            elif stage == "loaded" and has_loop(number):
                found[number] = ENDLESS
            elif number in slow:
                found[number] = f"FAILED: hangs ({stage})"
            else:  # once is the machine's fault perhaps
                slow.add(number)
                first = number
                continue
        first = number + 1
    return found


def has_loop(number):
    _, content, _ = trial.damaged(number)
    if trial.kind_of(number) != "graph":
        return False
    graph_def = tf.compat.v1.GraphDef.FromString(content)
    functions = graph_def.library.function
    nodes = [*graph_def.node, *(node for f in functions for node in f.node_def)]
    return not LOOPS.isdisjoint(node.op for node in nodes)


def check(count, record_property, workers=2):
    """Use `count` files, and refuse to see one fail."""
    ends = [count * i // workers for i in range(workers + 1)]
    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        found = dict(
            item for piece in pool.map(outcomes, ends[:-1], ends[1:]) for item in piece.items()
        )
    assert len(found) == count
    for kind in trial.KINDS:
        tally = collections.Counter(
            text for number, text in found.items() if trial.kind_of(number) == kind
        )
        record_property(kind, dict(tally))
        print(f"{kind}: {tally.total()} files:", dict(tally.most_common(9)))
        # Otherwise the damage is too slight, or too heavy, to show anything.
        assert 0.03 < tally["accepted"] / tally.total() < 0.9
        assert tally[ENDLESS] <= MOST_ENDLESS * tally.total()
    failed = {number: text for number, text in found.items() if text.startswith("FAILED")}
    assert not failed, f"{len(failed)} failed, such as {list(failed.items())[:5]}"


def test_damaged_files_work_or_are_refused(record_property):
    check(250, record_property)


@pytest.mark.slow
def test_ten_thousand_damaged_files_work_or_are_refused(record_property):
    check(10_000, record_property)
