"""Names by how they are typed on a keyboard without Chinese input: pinyin whole or in part, or its initials."""

from functools import lru_cache


@lru_cache(maxsize=1 << 16)
def _syllables(name: str) -> tuple[str, ...]:
    """The syllables of a name without tones, as its words are read; what is no Chinese character stands for itself."""
    from pypinyin import lazy_pinyin  # its tables take a moment to load, and not everybody searches

    runs = ("".join(filter(str.isalnum, run)) for run in lazy_pinyin(name))
    return tuple(part.casefold() for run in runs for part in ([run] if run.isascii() else run) if part)


def name_rank(text: str, name: str, id_: str) -> int | None:
    """How well what was typed fits a name: the less the better, None not at all.

    0 the name or id itself, 1 its beginning, 2 a part of the name; 3, 4, 5 the same of its spelling.
    """
    wanted, folded, code = text.strip().casefold(), name.casefold(), id_.casefold()
    if wanted in (folded, code):
        return 0
    if folded.startswith(wanted) or code.startswith(wanted):
        return 1
    if wanted in folded:
        return 2
    spelt = spelling_rank(wanted, name)
    return None if spelt is None else 3 + spelt


def spelling_rank(text: str, name: str) -> int | None:
    """How well a text spells a name: 0 whole, 1 from its beginning, 2 from a later character, None not at all.

    The text is pinyin from the beginning of any character, its last syllable whole or begun (``shad``, ``dai``), or
    initials (``sd``); case and blanks do not matter.
    """
    wanted = text.replace(" ", "").casefold()
    if not (wanted.isascii() and wanted.isalpha()):
        return None
    syllables = _syllables(name)
    initials = "".join(syllable[:1] for syllable in syllables)
    if wanted in ("".join(syllables), initials):
        return 0
    if "".join(syllables).startswith(wanted) or initials.startswith(wanted):
        return 1
    if wanted in initials or any("".join(syllables[k:]).startswith(wanted) for k in range(1, len(syllables))):
        return 2
    return None
