from __future__ import annotations

import re

import pytest
from prometheus_client.parser import text_string_to_metric_families

from edge.camera.supervisor import COUNTERS
from edge.health.metrics import METRICS, PREFIX, Metrics


def families(metrics: Metrics) -> dict[str, tuple[str, str]]:
    return {f.name: (f.type, f.documentation) for f in text_string_to_metric_families(metrics.text().decode())}


def test_every_row_of_the_table_is_served_with_its_kind_and_meaning() -> None:
    served = families(Metrics())

    for name, row in METRICS.items():
        assert served[f"{PREFIX}_{name}".removesuffix("_total")] == (row.kind, row.what)


def test_names_carry_base_units_and_counters_end_in_total() -> None:
    for name, row in METRICS.items():
        assert (row.kind == "counter") == name.endswith("_total"), name
        assert not re.search(r"_(ms|mb|percent|minutes|share)$", name)
        assert (row.kind == "histogram") == name.endswith("_duration_seconds"), name


def test_a_rate_sees_the_first_event_as_known_labels_are_there_from_the_start() -> None:
    metrics = Metrics()
    for name, labels in (("scans_total", {"outcome": "not_stored"}), ("condition", {"condition": "usb2"}),
                         ("commands_total", {"verb": "wipe", "status": "error"})):
        assert metrics.registry.get_sample_value(f"{PREFIX}_{name}", labels) == 0


def test_the_cameras_own_counters_are_served_as_they_are_at_the_scrape() -> None:
    metrics, counters = Metrics(), dict.fromkeys(COUNTERS, 0)
    metrics.follow(counters, "camera_")
    counters["reconnects_total"] = 3

    assert metrics.registry.get_sample_value(f"{PREFIX}_camera_reconnects_total") == 3
    assert {f"{PREFIX}_camera_{name}".removesuffix("_total") for name in COUNTERS} <= set(families(metrics))


def test_only_one_state_holds_at_a_time() -> None:
    metrics = Metrics()
    metrics.only("state", "idle")
    metrics.only("state", "scanning")

    assert metrics.registry.get_sample_value(f"{PREFIX}_state", {"state": "scanning"}) == 1
    assert metrics.registry.get_sample_value(f"{PREFIX}_state", {"state": "idle"}) == 0
    metrics.only("temperature_celsius", "gpu-thermal", 50.0)
    metrics.only("temperature_celsius", "tj-thermal", 51.0)
    assert metrics.registry.get_sample_value(f"{PREFIX}_temperature_celsius", {"zone": "gpu-thermal"}) is None


def test_a_metric_that_is_not_in_the_table_is_a_mistake_of_the_program() -> None:
    with pytest.raises(KeyError):
        Metrics().count("no_such_thing_total")


def test_memory_and_descriptors_of_the_process_are_served() -> None:
    text = Metrics().text().decode()

    assert "process_resident_memory_bytes" in text
    assert "process_open_fds" in text
