"""Passwords: what is taken for one, and argon2id with the library's own figures.

Names that do not exist cost the same time as those that do: their password is compared with a hash that nothing matches.
"""

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from threading import BoundedSemaphore

from argon2 import PasswordHasher
from argon2.exceptions import VerificationError

from registry.accounts import new_secret

SHORTEST = 12
LONGEST = 128  # letters; argon2 takes any length, a request should not
LEFT_OVER = 6  # letters that must remain when guessable words are taken out

# What the lists of leaked passwords are built from, and what anybody would try here. Found anywhere, they do not count.
COMMON = (
    "password", "passw0rd", "p@ssword", "p@ssw0rd", "qwertyuiop", "qwerty", "azerty", "asdfghjkl", "zxcvbnm", "1q2w3e4r5t6y", "1q2w3e4r",
    "1qaz2wsx3edc", "1qaz2wsx", "q1w2e3r4t5", "letmein", "welcome", "iloveyou", "administrator", "admin", "changeme",
    "secret", "default", "monkey", "dragon", "football", "baseball", "liverpool", "chelsea", "arsenal", "sunshine",
    "princess", "superman", "batman", "trustno1", "starwars", "whatever", "charlie", "michael", "jordan", "shadow",
    "master", "summer", "winter", "spring", "autumn", "january", "february", "monday", "friday", "london", "england", "wales",
    "abcdefghijkl", "abcdefgh", "abc123", "correcthorsebatterystaple", "correct", "horse", "battery", "staple",
)  # fmt: skip
CONTEXT = (
    "hat", "registry", "nhs", "trust", "hospital", "thrombosis", "thrombus", "embolism", "vte", "dvt", "clot", "nurse",
    "consultant", "doctor", "matron", "patient", "national", "health", "board", "service", "demo",
)  # fmt: skip

# Each hash takes 64 MiB: more at once would let strangers fill the memory from the sign-in page.
_AT_ONCE = BoundedSemaphore(4)
_hasher = PasswordHasher()


def hashed(password: str) -> str:
    """The argon2id hash to keep."""
    with _AT_ONCE:
        return _hasher.hash(password)


def matches(kept: str | None, password: str) -> bool:
    """Whether this is the password of that hash; without a hash, False in the same time."""
    with _AT_ONCE:
        try:
            return _hasher.verify(kept or _nobody(), password[: LONGEST + 1]) and kept is not None
        except VerificationError:
            return False


@lru_cache(maxsize=1)
def _nobody() -> str:
    return _hasher.hash(new_secret())


def faults(password: str, about: Iterable[str] = ()) -> Iterator[str]:
    """Why this cannot be somebody's password, in sentences; nothing if it can. `about`: their names."""
    if len(password) < SHORTEST:
        yield f"Choose a password of at least {SHORTEST} characters. Three or four words that do not belong together are good."
    elif len(password) > LONGEST:
        yield f"Choose a password of at most {LONGEST} characters."
    elif len(_without(password.lower(), [*COMMON, *CONTEXT, *_words(about)])) < LEFT_OVER:
        yield "This password is too easy to guess: it is made of names and words that are tried first. Choose other words."


def _words(about: Iterable[str]) -> list[str]:
    return [word for text in about for word in re.split(r"[^a-z0-9]+", text.lower()) if len(word) > 2]


def _without(password: str, words: Iterable[str]) -> set[str] | str:
    """What remains without guessable words, years, runs and repeats; a set of few letters counts as those few."""
    for word in sorted(words, key=len, reverse=True):
        password = password.replace(word, "")
    left = re.sub(r"(19|20)\d\d|0?12345?6?7?8?9?0?|987654?3?2?1?0?", "", password)
    return left if len(set(left)) >= LEFT_OVER - 1 else set(left)
