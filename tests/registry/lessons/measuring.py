"""How well the screen finds what identifies in synthetic learning points: strict recall and precision, with Wilson limits."""

from collections import defaultdict

from registry.lessons.screen import Hit, Known, screen
from registry.statistics.rates import proportion
from tests.registry.lessons.points import Label, known, sort_of, written

SEED = 20_260_202
TEXTS = 600
LISTS = {"none": 0.0, "half": 0.5, "whole": 1.0}
"""How much of the names and places stands on the lists of the register and the trust."""


def lists_of(name: str) -> Known:
    return known(LISTS[name], SEED)


def measured(lists: Known) -> tuple[dict[str, tuple[int, int]], dict[str, tuple[int, int]]]:
    """By what it is: found whole of all there are, by what blocks; and of what blocks, how many are where something identifies."""
    recall: defaultdict[str, list[bool]] = defaultdict(list)
    precision: defaultdict[str, list[bool]] = defaultdict(list)
    for each in written(TEXTS, SEED):
        hits = [hit for hit in screen(each.text, lists) if hit.blocks]
        for label in each.labels:
            recall[sort_of(label)].append(covered(label, hits))
        for hit in hits:
            precision[hit.sort.value].append(
                any(hit.start < label.end and label.start < hit.end for label in each.labels)
            )
    return _counts(recall), _counts(precision)


def covered(label: Label, hits: list[Hit]) -> bool:
    """Strict: every character of it lies in finds."""
    found = {place for hit in hits for place in range(hit.start, hit.end)}
    return found.issuperset(range(label.start, label.end))


def _counts(found: dict[str, list[bool]]) -> dict[str, tuple[int, int]]:
    return {name: (sum(each), len(each)) for name, each in sorted(found.items())}


def together(counts: dict[str, tuple[int, int]]) -> tuple[int, int]:
    return sum(right for right, _ in counts.values()), sum(of for _, of in counts.values())


def report(title: str, counts: dict[str, tuple[int, int]]) -> str:
    lines = [title]
    for name, (right, of) in (*counts.items(), ("all", together(counts))):
        share = proportion(right, of)
        lines.append(
            f"  {name:24} {right:4} of {of:4} = {share.value:.3f} (Wilson {share.lower:.3f} to {share.upper:.3f})"
        )
    return "\n".join(lines)
