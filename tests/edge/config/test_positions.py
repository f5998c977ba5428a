from __future__ import annotations

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.config.positions import key_lines, line_of

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

TEXT = '''# head
version = 1   # a comment with = and [brackets]

[camera]
uri = "demo:loop"
gravity = [0.0,
  1.0, # down
  0.0]
"quoted key" = 'x'
text = """
[not.a.table]
key = 1
"""

[camera.filters]
min_m = 0.3
inline = { a = 1, b = { c = [2, 3] } }
dotted.below.it = 2020-01-01T00:00:00Z

[[row]]
x = 1
[[row]]
x = 2
'''


def test_every_key_is_found_on_its_line() -> None:
    lines = key_lines(TEXT)

    assert {".".join(map(str, path)): line for path, line in lines.items()} == {
        "version": 2, "camera": 4, "camera.uri": 5, "camera.gravity": 6, "camera.gravity.0": 6, "camera.gravity.1": 7,
        "camera.gravity.2": 8, "camera.quoted key": 9, "camera.text": 10, "camera.filters": 15,
        "camera.filters.min_m": 16, "camera.filters.inline": 17, "camera.filters.inline.a": 17,
        "camera.filters.inline.b": 17, "camera.filters.inline.b.c": 17, "camera.filters.inline.b.c.0": 17,
        "camera.filters.inline.b.c.1": 17, "camera.filters.dotted": 18, "camera.filters.dotted.below": 18,
        "camera.filters.dotted.below.it": 18, "row": 20, "row.0": 20, "row.0.x": 21, "row.1": 22, "row.1.x": 23,
    }  # fmt: skip


def test_what_has_no_line_of_its_own_gets_that_of_its_table() -> None:
    lines = key_lines(TEXT)

    assert line_of(lines, ("camera", "filters", "no such key")) == 15
    assert line_of(lines, ("nothing",)) is None


def paths(value: object, above: tuple[str | int, ...] = ()) -> set[tuple[str | int, ...]]:
    found = {above} if above else set()
    if isinstance(value, dict):
        for key, item in value.items():
            found |= paths(item, (*above, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            found |= paths(item, (*above, index))
    return found


pieces = st.sampled_from([
    "[a]", "[a.b]", "[[c]]", "[c.d]", "k = 1", "k2 = 'x # y'", 'k3 = "a]\\"b"', "k4 = [1, 2,\n 3]", "a.b = { x = [ ] }",
    "e = '''\n[z]\nq = 1'''", 'f = """a""""', "# [comment] = 1", "'lit.key' = 1e3", "g = [ { h = 1 }, { h = 2 } ]", "",
])  # fmt: skip


@given(st.lists(pieces, max_size=8))
def test_whatever_the_parser_takes_has_a_line_for_every_key(lines: list[str]) -> None:
    text = "\n".join(lines)
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return
    found = key_lines(text)

    for path in paths(data):
        line = line_of(found, path)
        assert line is not None
        assert 1 <= line <= text.count("\n") + 1


def test_text_that_is_no_toml_is_not_taken_for_it() -> None:
    with pytest.raises(ValueError, match="no TOML"):
        key_lines("= 3")
