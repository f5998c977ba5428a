from __future__ import annotations

import argparse

import pytest

from edge.cli.arguments import positive, positive_seconds, subject_reference
from edge.errors import UsageError


@pytest.mark.parametrize("text", ["0", "-3", "2.5", "many", "", "1e3", "9" * 30])
def test_a_number_of_frames_is_whole_and_above_nought(text):
    with pytest.raises(argparse.ArgumentTypeError):
        positive(text)
    assert positive("12") == 12


@pytest.mark.parametrize("text", ["0", "-1", "nan", "inf", "soon"])
def test_seconds_are_finite_and_above_nought(text):
    with pytest.raises(argparse.ArgumentTypeError):
        positive_seconds(text)
    assert positive_seconds("2.5") == 2.5


@pytest.mark.parametrize("text", ["Mary", "Mary Smith 3", "a/b1", "", "1" * 65, "x1\n"])
def test_a_reference_that_may_be_a_name_or_a_path_is_refused(text):
    with pytest.raises(UsageError) as refused:
        subject_reference(text)
    assert refused.value.exit_code == 2


def test_an_opaque_reference_is_kept():
    assert subject_reference("school7-0042") == "school7-0042"
    assert subject_reference(None) is None
