"""Print how well the identifier screen does: `python -m tests.registry.lessons`."""

from tests.registry.lessons.measuring import LISTS, SEED, TEXTS, lists_of, measured, report

for name in LISTS:
    recall, precision = measured(lists_of(name))
    print(f"{TEXTS} texts, seed {SEED}, names and places on lists: {name}")
    print(report("recall, strict, of what blocks", recall))
    print(report("precision, of what blocks", precision))
