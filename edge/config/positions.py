"""Where each key of a TOML text stands, so that a finding can name its line. The standard parser does not tell.

Only for text that the standard parser has accepted: what is malformed is its business.
"""

from __future__ import annotations

import re
import sys
from typing import Final

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

KeyPath = tuple[str | int, ...]

_BLANK: Final = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_BARE_KEY: Final = re.compile(r"[A-Za-z0-9_-]+")
_STRING: Final = re.compile(
    r'"""(?:\\.|[^\\])*?"{3,5}(?!")|\'\'\'.*?\'{3,5}(?!\')|"(?:\\.|[^"\\\n])*"|\'[^\'\n]*\'', re.S
)
_SCALAR: Final = re.compile(r"[^,\]}\n#]+")


def key_lines(text: str) -> dict[KeyPath, int]:
    """Line (from 1) of every table, key and array element, by its path.

    Args:
        text: TOML that the standard parser accepts.
    """
    return _Scanner(text).scan()


def line_of(lines: dict[KeyPath, int], path: KeyPath) -> int | None:
    """Line of ``path`` or of the nearest table that holds it."""
    while path and path not in lines:
        path = path[:-1]
    return lines.get(path)


class _Scanner:
    def __init__(self, text: str) -> None:
        self._text, self._at = text, 0
        self._lines: dict[KeyPath, int] = {}
        self._tables: dict[KeyPath, int] = {}  # last index of every array of tables

    def scan(self) -> dict[KeyPath, int]:
        table: KeyPath = ()
        while self._skip_blank():
            if self._text.startswith("[", self._at):
                table = self._header()
            else:
                self._pair(table)
        return self._lines

    def _header(self) -> KeyPath:
        start, several = self._at, self._text.startswith("[[", self._at)
        self._at += 2 if several else 1
        *parents, last = self._key()
        self._at = self._text.index("]", self._at) + (2 if several else 1)
        path: KeyPath = ()
        for part in parents:
            path = self._within((*path, part))
            self._note(path, start)
        path = (*path, last)
        self._note(path, start)
        if several:
            self._tables[path] = self._tables.get(path, -1) + 1
        path = self._within(path)
        self._note(path, start)
        return path

    def _within(self, path: KeyPath) -> KeyPath:
        """``path``, or the last element of it where it is an array of tables."""
        return (*path, self._tables[path]) if path in self._tables else path

    def _pair(self, table: KeyPath) -> None:
        start = self._at
        key = self._key()
        for length in range(1, len(key) + 1):
            self._note((*table, *key[:length]), start)
        self._at = self._text.index("=", self._at) + 1
        self._value((*table, *key))

    def _value(self, path: KeyPath) -> None:
        self._skip_blank()
        opening = self._text[self._at : self._at + 1]
        if opening == "{":
            self._members(path, "}", inline_table=True)
        elif opening == "[":
            self._members(path, "]", inline_table=False)
        elif opening in "\"'":
            self._at = _match(_STRING, self._text, self._at).end()
        else:
            self._at = _match(_SCALAR, self._text, self._at).end()

    def _members(self, path: KeyPath, closing: str, inline_table: bool) -> None:
        self._at += 1
        index = 0
        while self._skip_blank() and self._text[self._at] != closing:
            if self._text[self._at] == ",":
                self._at += 1
            elif inline_table:
                self._pair(path)
            else:
                self._note((*path, index), self._at)
                self._value((*path, index))
                index += 1
        self._at += 1

    def _key(self) -> list[str]:
        parts: list[str] = []
        while True:
            self._skip_blank()
            quoted = self._text[self._at] in "\"'"
            found = _match(_STRING if quoted else _BARE_KEY, self._text, self._at)
            parts.append(tomllib.loads(f"key = {found[0]}")["key"] if quoted else found[0])
            self._at = found.end()
            self._skip_blank()
            if not self._text.startswith(".", self._at):
                return parts
            self._at += 1

    def _skip_blank(self) -> bool:
        """Pass over white space and comments; whether anything is left."""
        self._at = _match(_BLANK, self._text, self._at).end()
        return self._at < len(self._text)

    def _note(self, path: KeyPath, at: int) -> None:
        self._lines.setdefault(path, self._text.count("\n", 0, at) + 1)


def _match(pattern: re.Pattern[str], text: str, at: int) -> re.Match[str]:
    found = pattern.match(text, at)
    if found is None:  # only where the text is no TOML, which the caller rules out
        raise ValueError(f"no TOML at character {at}")
    return found
