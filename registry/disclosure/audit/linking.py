"""Which numbers the attacker takes for unchanged from one release to the next. Fewer links make a weaker attacker.

Assumed is the strong but reasonable attacker, who knows what is public: published values, the provisional flags and the list of revisions.
He takes a trust's month for unchanged when

* it was final in both releases, and the list of revisions does not name it;
* its published number is the same, or is held or withheld in either and so says nothing; and so are those of its region's month and of the trust's year, unless another month of that trust or
  another trust of that region explains the difference.

He takes the categories of a split in an unchanged month for unchanged too (a review may have been completed since: then a published number
that changed is what tells him) when the region's month has the same published categories, and the trust's year has them where it is made
of the same months. He may be wrong: a revision too small to turn any published number, and not in the list, is none to him.

A number that a release holds at what an earlier one said is still the earlier one. So a region's that was held explains no change of trusts
whose own numbers went on.
"""

from registry.disclosure.audit.panes import TOTAL, Group, Pane, Parts
from registry.disclosure.grid import Split


def same_totals(before: Pane, after: Pane) -> set[Group]:
    """The trusts and months whose total is taken for unchanged."""
    quiet = {where for where in before.trust_months() if where in after.trusts and _quiet(before, after, where)}
    for old, new in ((before.trusts, after.trusts), (before.regions, after.regions)):
        for place, when in old.keys() & new.keys():
            if _turned_total(old[place, when], new[place, when]):
                inside = {*before.inside(place, when), *after.inside(place, when)}
                quiet -= inside if inside <= quiet else set()
    return quiet


def _quiet(before: Pane, after: Pane, where: Group) -> bool:
    trust, when = where
    old, new = before.trusts[where][TOTAL], after.trusts[where][TOTAL]
    return (
        before.is_final(where)
        and after.is_final(where)
        and (trust, when) not in after.revised
        and before.region_of[trust] == after.region_of[trust]
        and (old.value == new.value or None in (old.value, new.value) or old.held or new.held)
    )


def _left_behind(pane: Pane, group: Group) -> bool:
    """Whether a region's numbers are held and those of some trust in it are not."""
    parts = pane.regions.get(group)
    held = parts is not None and any(one.held for one in parts.values())
    return held and not all(_held(pane, where) for where in pane.inside(*group))


def _held(pane: Pane, where: Group) -> bool:
    return pane.trusts[where][TOTAL].held


def _turned_total(old: Parts, new: Parts) -> bool:
    """Whether the published total is not what it was; one that is held in either, or withheld, tells nothing of that."""
    both = (old.get(TOTAL), new.get(TOTAL))
    known = [one.value for one in both if one is not None and not one.held and one.value is not None]
    return len(known) == len(both) and known[0] != known[1]


def _turned(old: Parts, new: Parts, split: Split) -> bool:
    """Whether a published number of a split is not what it was."""
    return any(old[part].value != new[part].value for part in old.keys() & new.keys() if part[0] is split)


def same_split(before: Pane, after: Pane, split: Split, group: Group) -> bool:
    """Whether the categories of a group of unchanged totals are taken for unchanged."""
    place, when = group
    region = after.region_of.get(place, place)
    homes = [(before.regions, after.regions, (region, when)), (before.regions, after.regions, (region, None))]
    homes += [(before.trusts, after.trusts, (place, when)), (before.trusts, after.trusts, (place, None))]
    own = (place, when) in before.trusts and TOTAL in before.trusts[place, when] and not _held(before, (place, when))
    return not any(
        where in old
        and where in new
        and not (own and old is before.regions and _left_behind(before, where))
        and before.inside(*where) == after.inside(*where)
        and _turned(old[where], new[where], split)
        for old, new, where in homes
    )
