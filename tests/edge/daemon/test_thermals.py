from __future__ import annotations

from pathlib import Path

import pytest

from edge.clock import ManualClock
from edge.daemon.cooling import FALLBACK_C, SHARES, Cooling
from edge.daemon.settings import ThermalSettings
from edge.daemon.thermals import Reading, SysfsThermals

ZONES = ThermalSettings().zones


class FakeSys:
    """A tree like that of an Orin: zones in no order, a GPU that sleeps, an over-current counter."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.zone(0, "PMIC-Die", 100_000)
        self.zone(1, "gpu-thermal", -256_000)
        self.zone(7, "tj-thermal", 51_250, passive=99_000)
        self.zone(3, "cpu-thermal", 48_000)
        self.write("class/hwmon/hwmon0/name", "ina3221")
        self.write("class/hwmon/hwmon4/name", "soctherm_oc")
        self.write("class/hwmon/hwmon4/oc1_event_cnt", "2")
        self.write("class/hwmon/hwmon4/oc3_event_cnt", "1")

    def zone(self, number: int, kind: str, millidegrees: int, passive: int | None = None) -> None:
        folder = f"class/thermal/thermal_zone{number}"
        self.write(f"{folder}/type", kind)
        self.write(f"{folder}/temp", str(millidegrees))
        if passive is not None:
            self.write(f"{folder}/trip_point_0_type", "critical")
            self.write(f"{folder}/trip_point_0_temp", "104500")
            self.write(f"{folder}/trip_point_1_type", "passive")
            self.write(f"{folder}/trip_point_1_temp", str(passive))

    def write(self, path: str, text: str) -> None:
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(text + "\n")


@pytest.fixture
def fake_sys(tmp_path: Path) -> FakeSys:
    return FakeSys(tmp_path)


def test_zones_are_found_by_name_with_the_point_at_which_the_kernel_throttles(fake_sys: FakeSys) -> None:
    readings = SysfsThermals(ZONES, fake_sys.root).read()

    assert set(readings) == {Reading("tj-thermal", 51.25, 99.0), Reading("cpu-thermal", 48.0, None)}


def test_over_current_events_are_added_up(fake_sys: FakeSys) -> None:
    assert SysfsThermals(ZONES, fake_sys.root).over_currents() == 3


def test_a_machine_without_sensors_tells_nothing(tmp_path: Path) -> None:
    thermals = SysfsThermals(ZONES, tmp_path)

    assert thermals.read() == ()
    assert thermals.over_currents() == 0


def test_a_zone_that_cannot_be_read_is_passed_over(fake_sys: FakeSys) -> None:
    thermals = SysfsThermals(ZONES, fake_sys.root)
    (fake_sys.root / "class/thermal/thermal_zone7/temp").unlink()
    fake_sys.write("class/thermal/thermal_zone3/temp", "garbage")

    assert thermals.read() == ()


def test_the_kernels_own_zones_can_be_read_here() -> None:
    for reading in SysfsThermals(ZONES).read():
        assert -40 < reading.celsius < 150


def levels(cooling: Cooling, clock: ManualClock, fake_sys: FakeSys, celsius: float, seconds: int) -> list[int]:
    found = []
    for _ in range(seconds):
        fake_sys.zone(7, "tj-thermal", round(celsius * 1000), passive=99_000)
        clock.advance(1.0)
        found.append(cooling.tick().level)
    return found


def test_the_rate_goes_down_by_steps_before_the_kernel_throttles_and_up_with_hysteresis(fake_sys: FakeSys) -> None:
    clock = ManualClock()
    cooling = Cooling(ThermalSettings(), SysfsThermals(ZONES, fake_sys.root), clock)

    assert levels(cooling, clock, fake_sys, 90.0, 10) == [0] * 10
    warm = levels(cooling, clock, fake_sys, 91.5, 16)  # 99 - 8 = 91
    assert warm == [1] * 5 + [2] * 5 + [3] * 6
    assert levels(cooling, clock, fake_sys, 87.0, 10) == [3] * 10, "within the hysteresis nothing changes"
    assert levels(cooling, clock, fake_sys, 85.0, 16)[-1] == 0
    assert cooling.heat.share == SHARES[0] == 1.0


def test_no_scan_begins_far_above_the_limit_until_below_it(fake_sys: FakeSys) -> None:
    clock = ManualClock()
    cooling = Cooling(ThermalSettings(), SysfsThermals(ZONES, fake_sys.root), clock)
    paused = []
    for celsius in (96.0, 97.5, 93.0, 91.5, 90.5):
        levels(cooling, clock, fake_sys, celsius, 1)
        paused.append(cooling.heat.paused)

    assert paused == [False, True, True, True, False]


def test_want_of_power_lowers_the_rate_too(fake_sys: FakeSys) -> None:
    clock = ManualClock()
    cooling = Cooling(ThermalSettings(), SysfsThermals(ZONES, fake_sys.root), clock)
    assert levels(cooling, clock, fake_sys, 50.0, 2) == [0, 0]
    fake_sys.write("class/hwmon/hwmon4/oc1_event_cnt", "3")

    assert levels(cooling, clock, fake_sys, 50.0, 8) == [1] * 5 + [0] * 3


def test_the_configured_limit_wins_and_the_fallback_is_for_zones_without_a_trip_point(fake_sys: FakeSys) -> None:
    (fake_sys.root / "class/thermal/thermal_zone7/type").write_text("other\n")
    clock = ManualClock()
    for settings, limit in ((ThermalSettings(), FALLBACK_C), (ThermalSettings(slow_at_c=60.0), 60.0)):
        cooling = Cooling(settings, SysfsThermals(ZONES, fake_sys.root), clock)
        assert cooling.tick().excess_c == pytest.approx(48.0 - limit)
