"""Moves of a case from one trust to another within a month, or from one month to another within a trust; its categories stay."""

import numpy as np

from registry.disclosure.audit.ledger import Ledger, Move
from registry.disclosure.audit.sheets import NONE, Sheet
from registry.disclosure.audit.steps import Sums, held_of, largest, room_either_way, rooms_of
from registry.disclosure.grid import Split


def year(sheet: Sheet, t: int, books: Ledger, sign: int, _: int, only: int | None = None) -> list[Move]:
    """Steps of one case for a trust's year: to it, or from it, in one month, of the same categories, from or to another trust."""
    more, less = rooms_of(books, sheet.own.rows, sign)
    year_more, year_less = rooms_of(books, sheet.years.rows, sign)
    room = np.minimum(more[t][None, :], less) * (sheet.final[t][None, :] & sheet.final)
    room = np.minimum(room, np.minimum(year_more[t], year_less)[:, None])
    room *= (sheet.region == sheet.region[t])[:, None]
    room[t] = 0
    room = room if only is None else np.where(np.arange(room.shape[1]) == only, room, 0)
    chosen = {}
    for split, parts in sheet.of_trusts.items():
        held = held_of(books, parts.variables)
        more, less = rooms_of(books, parts.yearly.rows, sign)
        taken = held if sign > 0 else np.broadcast_to(held[t][None, :, :], held.shape)
        each = np.minimum(taken, np.minimum(more[t][None, :], less)[:, None, :])
        chosen[split] = each.argmax(axis=-1)
        room = np.minimum(room, each.max(axis=-1))
    found = []
    for other, m, _ in largest(room, 1):
        ends = ((t, m), (other, m)) if sign > 0 else ((other, m), (t, m))
        found.append(_transfer(sheet, ends, {split: (int(each[other, m]),) * 2 for split, each in chosen.items()}))
    return found


def month_total(sheet: Sheet, g: int, m: int, books: Ledger, sign: int, _: int, only: int | None = None) -> list[Move]:
    """Steps of one case for a region's month: to it, or from it, within one trust, of the same categories, from or to another month."""
    more, less = rooms_of(books, sheet.own.rows, sign)
    month_more, month_less = rooms_of(books, sheet.months.rows, sign)
    other = sheet.standing != sheet.standing[:, [m]]
    room = np.minimum(more[:, [m]], less) * (sheet.region == g)[:, None]
    room = np.where(other, np.minimum(room, room_either_way(books, sheet.years.rows)[:, None]), room)
    room = np.minimum(room, np.minimum(month_more[g, m], month_less[g])[None, :])
    there = (sheet.totals != NONE).any(axis=-1)
    room *= there & there[:, [m]]
    room[:, m] = 0
    room = room if only is None else np.where((np.arange(room.shape[0]) == only)[:, None], room, 0)
    chosen = {}
    for split, parts in (sheet.of_trusts | sheet.of_months).items():
        held = held_of(books, parts.variables)
        held = held if split in sheet.of_trusts else held[[g]]
        more, less = rooms_of(books, parts.monthly.rows, sign)
        taken = held if sign > 0 else np.broadcast_to(held[:, [m], :], held.shape)
        each = np.minimum(taken, np.minimum(more[g, m][None, :], less[g])[None, :, :])
        if split in sheet.of_trusts:
            spare = room_either_way(books, parts.yearly.rows)[:, None, :]
            each = np.where(other[:, :, None], np.minimum(each, spare), each)
        chosen[split] = np.broadcast_to(each.argmax(axis=-1), room.shape)
        room = np.minimum(room, each.max(axis=-1))
    found = []
    for t, then, _ in largest(room, 1):
        ends = ((t, m), (t, then)) if sign > 0 else ((t, then), (t, m))
        found.append(_transfer(sheet, ends, {split: (int(each[t, then]),) * 2 for split, each in chosen.items()}))
    return found


def _transfer(
    sheet: Sheet, ends: tuple[tuple[int, int], tuple[int, int]], categories: dict[Split, tuple[int, int]]
) -> Move:
    """One case less in the second trust and month, one more in the first, with its category here and there in each split."""
    sums = Sums(1)
    for (t, m), way, side in ((ends[0], 1, 0), (ends[1], -1, 1)):
        sums.add(sheet.totals[t, m], way)
        for split, both in categories.items():
            parts = sheet.of_trusts.get(split)
            variables = parts.variables[t] if parts is not None else sheet.of_months[split].variables[sheet.region[t]]
            sums.add(variables[m, both[side]], way)
    return sums.move()
