"""Chains and branches in directed graphs that are given by names.

A graph here is a mapping from each node's name, in an order in which inputs come first, to the
names of its inputs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

Inputs = Mapping[str, Sequence[str]]


class Branches(NamedTuple):
    """Parallel ways: `members` between a fork and `at`, where they meet.

    None among the members is a direct way. Where `dead_end` is set the members start at `at` and
    lead nowhere, as auxiliary heads do.
    """

    at: str
    members: tuple[str | None, ...]
    dead_end: bool


def consumers_of(inputs: Inputs) -> dict[str, list[str]]:
    """Names of the nodes that take each node as an input, in order."""
    consumers: dict[str, list[str]] = {name: [] for name in inputs}
    for name, sources in inputs.items():
        for source in dict.fromkeys(sources):
            consumers[source].append(name)
    return consumers


def reachable(start: Iterable[str], edges: Mapping[str, Iterable[str]]) -> set[str]:
    """All names to which edges lead from `start`, in any number of steps but none."""
    found: set[str] = set()
    waiting = [n for name in start for n in edges[name]]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting.extend(edges[name])
    return found


def chains(inputs: Inputs) -> list[list[str]]:
    """All longest chains of two nodes and more, none of which has a way in or out in between."""
    consumers = consumers_of(inputs)
    before = {
        name: sources[0]
        for name, sources in inputs.items()
        if len(set(sources)) == 1 and len(consumers[sources[0]]) == 1
    }
    after = {source: name for name, source in before.items()}
    found = []
    for name in inputs:
        if name in after and name not in before:
            chain = [name]
            while chain[-1] in after:
                chain.append(after[chain[-1]])
            found.append(chain)
    return found


def branches(inputs: Inputs) -> list[Branches]:
    """All branches whose members are single nodes; no two of them share a node."""
    consumers = consumers_of(inputs)
    found = [_meeting_at(name, inputs, consumers) for name in inputs]
    found += _dead_ends(inputs, consumers)
    taken: set[str] = set()
    apart = []
    for one in filter(None, found):
        nodes = {one.at, *filter(None, one.members)}
        if not nodes & taken:
            taken |= nodes
            apart.append(one)
    return apart


def _meeting_at(
    name: str, inputs: Inputs, consumers: Mapping[str, Sequence[str]]
) -> Branches | None:
    sources = list(dict.fromkeys(inputs[name]))
    between = [s for s in sources if consumers[s] == [name] and len(set(inputs[s])) <= 1]
    direct = [s for s in sources if s not in between]
    forks = {fork for s in between for fork in inputs[s]} | set(direct)
    unforked = any(not inputs[s] for s in between)
    # Several beginnings may meet, but not with what forks further down.
    if len(sources) < 2 or not between or len(forks) > 1 or (forks and unforked):
        return None
    members = tuple(s if s in between else None for s in sources)
    return Branches(name, members, dead_end=False)


def _dead_ends(inputs: Inputs, consumers: Mapping[str, Sequence[str]]) -> list[Branches]:
    ends = [name for name in inputs if not consumers[name]]
    if len(ends) < 2:
        return []
    # The network's own end is the deepest one, or else the last; max() takes the first of equals.
    main = max(reversed(ends), key=lambda end: len(reachable([end], inputs)))
    found: dict[str, list[str]] = {}
    for end in ends:
        if end != main and len(set(inputs[end])) == 1 and len(consumers[inputs[end][0]]) > 1:
            found.setdefault(inputs[end][0], []).append(end)
    return [Branches(at, tuple(members), dead_end=True) for at, members in found.items()]
