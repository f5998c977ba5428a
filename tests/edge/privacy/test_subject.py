"""A subject's reference is opaque or refused, at the command line, over MQTT and in the configuration alike."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from edge.privacy.settings import PrivacySettings
from edge.privacy.subject import is_opaque


@pytest.mark.parametrize("reference", ["4b.17", "a1", "0", "CLASS-4B_017", "x" * 63 + "1"])
def test_numbers_of_a_list_are_references(reference):
    assert is_opaque(reference)


@pytest.mark.parametrize("reference", ["", "Anna", "Anna Muster 7", "Zoë7", "a1\n", "x" * 64 + "1", "a/1", "ä1"])
def test_what_could_be_a_name_is_none(reference):
    assert not is_opaque(reference)


def test_an_operator_may_be_stricter_but_not_laxer():
    assert is_opaque("4b.17", r"\d[a-z]\.\d+")
    assert not is_opaque("x1", r"\d[a-z]\.\d+")
    assert not is_opaque("Anna", r".*")


def test_a_pattern_that_is_none_is_refused():
    with pytest.raises(ValidationError, match="no regular expression"):
        PrivacySettings(subject_ref_pattern="(")
