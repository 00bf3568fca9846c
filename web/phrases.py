"""Sentences known by pattern, and what is said in their place."""

import re
from collections.abc import Callable, Iterable

Words = Callable[[re.Match[str]], str]
Phrases = tuple[tuple[re.Pattern[str], Words], ...]


def plain(text: str) -> Words:
    """A sentence into which what was found is put, by number."""
    return lambda found: text.format(*[part or "" for part in found.groups()])


def phrases(table: Iterable[tuple[str, Words]]) -> Phrases:
    """A table made ready; a point in a pattern takes line breaks too."""
    return tuple((re.compile(pattern, re.S), words) for pattern, words in table)


def said(known: Phrases, text: str) -> str | None:
    """What the first pattern that fits says; None where none does."""
    return next((words(found) for pattern, words in known if (found := pattern.fullmatch(text))), None)
