from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from edge.result.identity import clock_synced, device_id, new_scan_id, rfc3339


@given(times=st.lists(st.integers(0, 4_000_000_000_000_000_000), min_size=2, max_size=2))
def test_scan_ids_sort_by_time(times):
    early, late = sorted(times)
    if early // 1_000_000 != late // 1_000_000:
        assert new_scan_id(early) < new_scan_id(late)


def test_two_scans_of_one_millisecond_have_different_ids():
    assert len({new_scan_id(1_767_225_600_123_000_000) for _ in range(100)}) == 100
    assert re.fullmatch(r"20260101T000000123Z-[0-9a-f]{8}", new_scan_id(1_767_225_600_123_000_000))


def test_capture_times_are_rfc_3339_in_utc():
    assert rfc3339(1_767_225_600_999_999_999) == "2026-01-01T00:00:00.999Z"


def test_a_device_is_named_stably_and_without_its_machine_id(tmp_path, monkeypatch):
    monkeypatch.delenv("LATX_DEVICE_ID", raising=False)
    path = tmp_path / "machine-id"
    path.write_text("0123456789abcdef0123456789abcdef\n")
    name = device_id(path)
    assert name == device_id(path)
    assert "0123456789abcdef" not in name
    assert device_id(tmp_path / "absent") == "unknown"
    monkeypatch.setenv("LATX_DEVICE_ID", "kiosk-7")
    assert device_id(path) == "kiosk-7"


def test_the_clock_counts_as_synchronised_when_timesyncd_says_so(tmp_path):
    flag = tmp_path / "synchronized"
    without = clock_synced(flag)
    assert isinstance(without, bool)
    flag.touch()
    assert clock_synced(flag) is True
