"""Whatever stands in a configuration: it is taken, or refused in findings; 200 files by default, 10,000 with --full."""

from __future__ import annotations

import random
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from edge.config.load import ConfigError, parse_config
from edge.config.render import annotated, effective

FILE = Path("hostile.toml")
scalars = st.one_of(
    st.sampled_from(["1", "-1", "0", "1e308", "nan", "inf", "-inf", "true", '""', '"none"', "[]", "{}", "[[]]",
                     "1979-05-27", "07:32:00", "9" * 30, "9" * 5000, "0x10", '"\\u0000"', '".."', '"0.0.0.0"',
                     "'demo:loop'", "[1,2,3]", "{a={b={}}}"]),
    st.integers().map(str), st.floats().map(repr), st.text(max_size=20).map(lambda t: repr(t)),
)  # fmt: skip
KEYS = sorted({line.lstrip("#").partition(" =")[0] for line in annotated().splitlines() if " = " in line})
HEADERS = sorted({line.lstrip("#") for line in annotated().splitlines() if line.lstrip("#").startswith("[")})
keys = st.one_of(st.sampled_from(KEYS), st.text("abc_.-\"' é", min_size=1, max_size=8))
lines = st.one_of(st.tuples(keys, scalars).map(" = ".join), st.sampled_from(HEADERS), st.text(max_size=12))
VALID = annotated() + "[mqtt]\nhost = 'localhost'\n"


def mutated(seed: int) -> str:
    """A valid file, damaged: lines shuffled, doubled, cut, characters changed."""
    rng = random.Random(seed)
    text = list(VALID)
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(text))
        kind = rng.randrange(4)
        if kind == 0:
            text[at] = chr(rng.choice([0, 10, 34, 39, 61, 91, 93, 123, 0x20AC, 0x1F600, rng.randrange(1, 0xD7FF)]))
        elif kind == 1:
            del text[at : at + rng.randint(1, 40)]
        elif kind == 2:
            text[at:at] = text[at : at + rng.randint(1, 60)]
        else:
            text[at:at] = rng.choice(["= ", "[", "\n[scan]\n", "nan", "-", '"""', "'''", "\r\n", "{", "1e999"])
        text = text or list(VALID)
    return "".join(text)


def taken_or_refused(text: str) -> bool:
    try:
        config = parse_config(text, FILE).config
    except ConfigError as refused:
        error = refused
    else:
        assert parse_config(effective(config), FILE).config == config
        return True
    assert error.findings
    assert "\n" not in error.line()
    for finding in error.findings:
        assert finding.what
        assert finding.line is None or 1 <= finding.line <= text.count("\n") + 1
        assert len(finding.text(FILE)) < 2000
    return False


def test_hostile_files_are_taken_or_refused(full: bool) -> None:
    @settings(max_examples=5_000 if full else 100)
    @given(st.lists(lines, max_size=10).map("\n".join))
    def anything(text: str) -> None:
        taken_or_refused(text)

    anything()
    outcomes = [taken_or_refused(mutated(seed)) for seed in range(5_000 if full else 100)]

    assert True in outcomes, "some damage must be harmless, else nothing but the parser is tested"
    assert False in outcomes
