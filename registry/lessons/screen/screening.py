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
    """Without those that lie within another. What stands in the patient's own record is said before all else that is there."""
    kept = [each for each in found if each.sort is Sort.OWN]
    others = [each for each in found if not any(_within(each, own) or _within(own, each) for own in kept)]
    for each in sorted(others, key=lambda hit: (hit.start, -hit.end, hit.sort is not Sort.PHONE, hit.sort)):
        if not any(_within(each, other) for other in kept):
            kept.append(each)
    return kept


def _within(one: Hit, other: Hit) -> bool:
    return other.start <= one.start and one.end <= other.end


def _touches(one: Hit, other: Hit) -> bool:
    return one.start < other.end and other.start < one.end
