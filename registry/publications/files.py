"""A file of a release, as it is made and kept."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Made:
    """One file of a release: its name, its media type, the SHA-256 of its content in hexadecimal."""

    name: str
    media_type: str
    digest: str
    content: bytes
