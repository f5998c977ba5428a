"""Nothing is skipped silently: under CI a skip fails, elsewhere it stays a skip."""

from __future__ import annotations

from pathlib import Path

import pytest

SUITE = """
import pytest

def test_runs():
    pass

def test_lacks_a_part():
    pytest.skip("no libfoo on this machine")

@pytest.mark.skipif(True, reason="no bar")
def test_lacks_another():
    pass

@pytest.mark.xfail(strict=True)
def test_known_wrong():
    assert False
"""
MODULE_SKIP = 'import pytest\npytest.importorskip("no_such_module_anywhere")\n'


@pytest.fixture
def suite(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    monkeypatch.delenv("CI", raising=False)
    pytester.makeconftest((Path(__file__).parents[1] / "conftest.py").read_text())
    pytester.makepyfile(test_suite=SUITE, test_module=MODULE_SKIP)
    return pytester


def test_a_skip_under_ci_fails_and_names_what_is_missing(
    suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CI", "true")

    result = suite.runpytest_inprocess("-p", "no:cacheprovider", "--continue-on-collection-errors")

    result.assert_outcomes(passed=1, failed=1, errors=2, xfailed=1)
    result.stdout.fnmatch_lines(["*no libfoo on this machine*"])
    assert result.ret != 0


def test_the_same_skip_elsewhere_stays_a_skip(suite: pytest.Pytester) -> None:
    result = suite.runpytest_inprocess("-p", "no:cacheprovider")

    result.assert_outcomes(passed=1, skipped=3, xfailed=1)
    assert result.ret == 0
