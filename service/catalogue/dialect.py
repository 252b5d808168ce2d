"""How a CSV file is written: its encoding, what separates its cells, and how its lines end."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import BinaryIO, TextIO

from .columns import is_header
from .model import ImportRefused

HEAD = 65_536
"""Bytes by which a file is recognised."""
CHUNK = 1_048_576
DELIMITERS = (",", ";", "\t", "|")

# What begins a file that only looks like a table once a program has opened it.
_NOT_TEXT = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0", b"\x1f\x8b", b"%PDF")
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # begins as UTF-16's does
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_DECLARATION = re.compile(r'"?sep=(.)"?[,;\t]*', re.IGNORECASE)
"""What Excel writes, and reads, in a line before the header."""
_LEGACY = ("cp1252", "mac_roman", "cp1250")
_COMMON = frozenset("\u2018\u2019\u201c\u201d\u2013\u2014…®™©°€£«»¿¡·½¼²³")


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a file is written; ``declared`` is whether its first line says what separates cells."""

    encoding: str
    delimiter: str
    newline: str
    declared: bool


def recognise(
    source: BinaryIO, *, encoding: str | None = None, delimiter: str | None = None
) -> Dialect:
    """Find out how a file is written, where it isn't said; reads all of it.

    Raises `ImportRefused` with what it looks like, if it is not text in one encoding.
    """
    source.seek(0)
    head = source.read(HEAD)
    if head.startswith(_NOT_TEXT):
        raise ImportRefused("this is a spreadsheet or an archive, not text: save it as CSV UTF-8")
    encoding = "utf-8-sig" if _is_utf8(encoding) else encoding
    encoding = encoding or _encoding(head)
    _check_encoding(source, encoding)
    text = codecs.getincrementaldecoder(encoding)("replace").decode(head)
    if not text.strip("\ufeff \t\r\n"):
        raise ImportRefused("the file is empty")
    # "\r\r\n" is what a program makes of a file's "\r\n" that writes "\n" as "\r\n".
    newline = "\r" if re.match(r"[^\r\n]*\r(?!\r*\n)", text) else "\n"
    first, _, rest = text.removeprefix("\ufeff").partition(newline)
    declaration = _DECLARATION.fullmatch(first.strip("\r\n "))
    if declaration:
        delimiter = delimiter or declaration[1]
        first = rest.partition(newline)[0]
    return Dialect(encoding, delimiter or _delimiter(first), newline, bool(declaration))


@contextmanager
def opened(source: BinaryIO, dialect: Dialect) -> Iterator[TextIO]:
    """Give the file's text from its beginning, the line that declares the dialect included."""
    source.seek(0)
    text = io.TextIOWrapper(source, dialect.encoding, newline=dialect.newline)
    try:
        yield text
    finally:
        text.detach()


def _is_utf8(encoding: str | None) -> bool:
    return encoding is not None and codecs.lookup(encoding).name == "utf-8"


def _encoding(head: bytes) -> str:
    """Return the encoding by its mark, or by where the NULs of ASCII in UTF-16 are."""
    for mark, name in _MARKS:
        if head.startswith(mark):
            return name
    for start, name in ((1, "utf-16-le"), (0, "utf-16-be")):
        half = head[start::2]
        if half and half.count(0) > len(half) * 0.6:
            return name
    return "utf-8-sig"


def _check_encoding(source: BinaryIO, encoding: str) -> None:
    source.seek(0)
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        while chunk := source.read(CHUNK):
            decoder.decode(chunk)
        decoder.decode(b"", final=True)
    except UnicodeError:
        if encoding != "utf-8-sig":
            raise ImportRefused(f"the file is not in {encoding}") from None
        raise ImportRefused(_not_utf8(source)) from None


def _not_utf8(source: BinaryIO) -> str:
    """Return where the file isn't UTF-8, and what it looks like."""
    source.seek(0)
    number, line = 1, b""
    while line := source.readline(CHUNK):
        try:
            line.decode()
        except UnicodeDecodeError as error:
            number += line[: error.start].count(b"\r")
            break
        number += line.endswith(b"\n")
    words = [word for word in re.split(rb"[\s,;\t]+", line) if not word.isascii()]
    readings = [(_likeness(b" ".join(words), name), name) for name in _LEGACY]
    best = max(score for score, _ in readings)
    name = next((name for score, name in readings if score == best > 0), None)
    said = f"line {number} is not UTF-8"
    if name is None:
        return f"{said}: save the file as CSV UTF-8, or name its encoding with --encoding"
    word = max(words, key=len).decode(name)[:40]
    return (
        f"{said} and looks like {name}, in which it says {word!r}: "
        f"import it with --encoding {name}, or save it as CSV UTF-8"
    )


def _likeness(word: bytes, encoding: str) -> int:
    """Return how many characters more are letters, or other usual ones, than are not."""
    try:
        text = word.decode(encoding)
    except UnicodeDecodeError:
        return -1
    odd = [char for char in text if not char.isascii()]
    usual = sum(char in _COMMON or (char.isalpha() and char.islower()) for char in odd)
    return 2 * usual - len(odd)


def _delimiter(header: str) -> str:
    """Return what separates the cells of a header, a comma where none makes sense of it."""
    for delimiter in DELIMITERS:
        if is_header(next(csv.reader([header], delimiter=delimiter), [])):
            return delimiter
    return ","
