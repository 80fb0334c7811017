"""The screen as a whole: every rule and list over one text, what lies within another find left out."""

from registry.lessons.screen.hits import Hit, Sort
from registry.lessons.screen.known import Known
from registry.lessons.screen.listed import own, people, places
from registry.lessons.screen.patterns import shapes


def screen(text: str, known: Known | None = None) -> tuple[Hit, ...]:
    """What in a text may tell who somebody is, in the order of the text. Nothing of it is kept or said but sort and place."""
    lists = known or Known()
    found = {*shapes(text), *people(text, lists), *places(text, lists), *own(text, lists.patient)}
    blocking = [each for each in found if each.blocks]
    asking = [each for each in found if not each.blocks and not any(_touches(each, other) for other in blocking)]
    return tuple(sorted([*_widest(blocking), *asking]))


def _widest(found: list[Hit]) -> list[Hit]:
    """Without those that lie within another; of the same place the one of the patient's own record, then the first by name of its sort."""
    kept: list[Hit] = []
    for each in sorted(found, key=lambda hit: (hit.start, -hit.end, hit.sort is not Sort.OWN, hit.sort)):
        if not any(other.start <= each.start and each.end <= other.end for other in kept):
            kept.append(each)
    return kept


def _touches(one: Hit, other: Hit) -> bool:
    return one.start < other.end and other.start < one.end
