"""What was typed into a search, brought into the form of a tsquery.

The language is that of search engines: words, "phrases", ``or``, ``-not``. Whatever isn't well
formed in it is words, or nothing: no text is an error, and none nests.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field

LONGEST = 200
"""Characters of a search."""
JOINED = 6
"""Words up to which they are also looked for run together; nobody writes more of them apart."""
BEGINNING = ":*"
"""Behind a word in a query: it may go on."""

_EDGE = "\0"
"""Around a word, which can't have it within."""

_CHUNK = re.compile(r'(?P<no>-(?!-))?(?:"(?P<phrase>[^"]*)"|(?P<word>[^\s"]+))')
# As in the database's search_text, where these are words without blanks between them.
_IDEOGRAPHS = re.compile(
    "([\u3005-\u3007\u3041-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]+)"
)


@dataclass(slots=True)
class _Group:
    """What stands between two ``or``: all of it must be there, and none of what mustn't."""

    words: list[str] = field(default_factory=list)
    phrases: list[list[str]] = field(default_factory=list)
    without: list[list[str]] = field(default_factory=list)

    def wanted(self) -> list[list[str]]:
        return [self.words, *self.phrases]


@dataclass(frozen=True, slots=True)
class Search:
    """A search that was read; without ``words`` there is nothing to look for.

    ``query`` is a tsquery cut before and behind every word, so operators and words by turns: the
    database brings the words into its own form, and none can be taken for an operator. ``likeness``
    is one of any of the words, to rank by. ``beginning`` is the last word, if it may go on, and
    ``firm`` the query without it: all that it finds is among what that finds. Without any word of
    its own that is empty.
    """

    words: tuple[str, ...]
    query: tuple[str, ...]
    likeness: tuple[str, ...]
    firm: tuple[str, ...]
    beginning: str


def read_search(text: str) -> Search:
    """Return what the text asks for."""
    groups, open_ended = _groups(unicodedata.normalize("NFKC", text[:LONGEST]))
    queries, firm, likenesses = [], [], []
    for group in groups:
        end = BEGINNING if open_ended and group is groups[-1] else ""
        queries.append(_query(group, end))
        firm.append(_firm(group) if end else queries[-1])
        likenesses += [_join(" | ", reading) + end for reading in _readings(group.words)]
        likenesses += [_join(" | ", phrase) for phrase in group.phrases]
    return Search(
        words=tuple(word for each in groups for part in each.wanted() for word in part),
        query=tuple(" | ".join(queries).split(_EDGE)),
        likeness=tuple(" | ".join(likenesses).split(_EDGE)),
        firm=tuple(" | ".join(firm).split(_EDGE)) if all(firm) else (),
        beginning=groups[-1].words[-1] if open_ended else "",
    )


def _groups(text: str) -> tuple[list[_Group], bool]:
    """Return the groups, and whether the last word may be the beginning of one."""
    chunks = list(_CHUNK.finditer(text))
    groups, open_ended = [_Group()], False
    for number, chunk in enumerate(chunks, 1):
        group = groups[-1]
        last = number == len(chunks)
        if chunk[0].lower() == "or" and (group.words or group.phrases) and not last:
            groups.append(_Group())
            continue
        phrase = chunk["phrase"] is not None
        for run in _IDEOGRAPHS.split(chunk["phrase"] if phrase else chunk["word"]):
            unspaced = bool(_IDEOGRAPHS.fullmatch(run))
            found = list(run) if unspaced else _split(run)
            if not found:
                continue
            if chunk["no"]:
                group.without.append(found)
            elif phrase or unspaced:
                group.phrases.append(found)
            else:
                group.words += found
            open_ended = not (chunk["no"] or phrase or unspaced)
    for group in groups:
        if not group.words and not group.phrases:
            # Nothing to leave something out of.
            group.words, group.without = [word for part in group.without for word in part], []
    return [group for group in groups if group.words or group.phrases], open_ended


def _split(text: str) -> list[str]:
    """Return the words: letters, digits and their marks."""
    kinds = ((each, unicodedata.category(each)[0]) for each in text)
    return "".join(each if kind in "LNM" else " " for each, kind in kinds).split()


def _query(group: _Group, end: str) -> str:
    readings = [_join(" & ", reading) + end for reading in _readings(group.words)]
    terms = [f"({' | '.join(readings)})"] if readings else []
    terms += [_join(" <-> ", phrase) for phrase in group.phrases]
    terms += [f"!({_join(' <-> ', phrase)})" for phrase in group.without]
    return f"({' & '.join(terms)})"


def _firm(group: _Group) -> str:
    """Return what the group asks for besides its last word; blank for nothing."""
    last = group.words[-1]
    readings = [each[:-1] if each[-1] == last else each for each in _readings(group.words)]
    terms = [_join(" <-> ", phrase) for phrase in group.phrases]
    if all(readings):
        terms.append(f"({' | '.join(_join(' & ', reading) for reading in readings)})")
    return f"({' & '.join(terms)})" if terms else ""


def _readings(words: list[str]) -> Iterator[list[str]]:
    """Yield the words as they are, and run together: people write it either way."""
    if words:
        yield words
    if len(words) <= JOINED:
        for n in range(len(words) - 1):
            yield [*words[:n], words[n] + words[n + 1], *words[n + 2 :]]
        if len(words) > 2:  # noqa: PLR2004 - two are one by now
            yield ["".join(words)]


def _join(operator: str, words: list[str]) -> str:
    return operator.join(f"{_EDGE}{word}{_EDGE}" for word in words)
