"""The identifier screen: what in a text may tell who a patient or a member of staff is. Pure; source: statistics.md 7.

`screen` gives hits, each with its kind and place and never its words. A hit blocks, or (`ask`) has to be looked at and confirmed. What the
screen lets through is read by two people: it finds what has a shape or stands on a list, and a bare name has neither.
"""

from registry.lessons.screen.hits import BLOCKING, Hit, Sort, words_of
from registry.lessons.screen.known import Known, Patient
from registry.lessons.screen.screening import screen

__all__ = ["BLOCKING", "Hit", "Known", "Patient", "Sort", "screen", "words_of"]
