"""What the tests of the device's path share: a stand-in bundle, frames of a phantom, reports, a real broker."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import shutil
import socket
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest

from edge.fuse import fuse
from edge.measure.angles import sagittal_angles
from edge.measure.coronal import cobb_major
from edge.pipeline import Measurements
from edge.report import make_report
from edge.runtime.manifest import INTERVAL_NAMES
from edge.runtime.template_runner import mean_endplates_mm, template_bundle
from edge.scan import Scan


@pytest.fixture
def stand_in():
    """A bundle of two template runners."""
    return template_bundle()


@pytest.fixture(scope="session")
def phantom_frames():
    """Four frames of one phantom subject as a D455 at 848x480 in portrait sees it."""
    from calib.phantom.depth_camera import render_frames
    from calib.phantom.mount import View
    from calib.phantom.sampler import sample_subject

    view = View("D455 848x480", 480, 848, 1.2)
    return render_frames(sample_subject(0, "sensor"), view, 4, 0)


@pytest.fixture
def make_measurements():
    """Measurements of a frame whose spine is the mean one unless another is given."""

    def make(number=0, endplates_mm=None, angles=None, gates=None, picture=None, sd_deg=5.0):
        spine = mean_endplates_mm() + np.array([70.0, 0, 0]) if endplates_mm is None else endplates_mm
        return Measurements(
            angles_deg=sagittal_angles(spine) | (angles or {}),
            angle_sd_deg=dict.fromkeys(INTERVAL_NAMES, sd_deg),
            cobb=cobb_major(spine),
            endplates_mm=spine,
            endplates_sd_mm=np.full((37, 4, 3), 3.0),
            log_attenuation=np.full((512, 256), float(number), np.float32) if picture is None else picture,
            gates={"distance_m": 1.2} if gates is None else gates,
            captured_at_ns=1_767_225_600_000_000_000 + number * 66_666_667,
            timing_ms={"see": 10.0 + number, "structure": 20.0},
        )

    return make


@pytest.fixture
def finished_scan(make_measurements, stand_in):
    """A scan of three frames, fused, as the pipeline would leave it."""
    rng = np.random.default_rng(5)
    picture = rng.uniform(0, 5, (512, 256)).astype(np.float32)
    frames = [make_measurements(i, picture=picture) for i in range(3)]
    return Scan(fuse(frames, stand_in.manifest.interval_scales), 321.0)


REPORTER = Path(__file__).parent / "sinks" / "mqtt" / "reporter.py"


@pytest.fixture(scope="session")
def reporter():
    """The module that makes reports without inference; its file is also a program."""
    spec = importlib.util.spec_from_file_location("reporter", REPORTER)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def reports(make_measurements, stand_in, reporter):
    """Make different reports of one real result: ``reports(seed)``."""
    frames = [make_measurements(number) for number in range(3)]
    template = make_report(Scan(fuse(frames, stand_in.manifest.interval_scales), 321.0), stand_in, "ref-17")
    return lambda seed=0, device=reporter.DEVICE: reporter.vary(template, seed, device)


class Mosquitto:
    """A real broker on loopback, in a folder of its own; may be killed and started again on the same port."""

    def __init__(self, folder, *lines):
        folder.mkdir(parents=True, exist_ok=True)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.config, self.process = folder / "mosquitto.conf", None
        plain = [f"listener {self.port} 127.0.0.1", "allow_anonymous true"]
        kept = ["persistence true", f"persistence_location {folder}/", "autosave_on_changes true",
                "autosave_interval 1", "user root"]
        self.config.write_text("\n".join([*(lines or [*plain, *kept])]).replace("PORT", str(self.port)) + "\n")
        self.log = folder / "mosquitto.log"

    def start(self):
        binary = shutil.which("mosquitto", path=f"{os.environ['PATH']}:/usr/sbin")
        if binary is None:
            pytest.skip("mosquitto is not installed (.ci/system-packages)")
        with self.log.open("ab") as log:
            self.process = subprocess.Popen([binary, "-c", str(self.config)], stdout=log, stderr=log)
        for _ in range(200):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                return self
            time.sleep(0.02)
        raise AssertionError(f"mosquitto does not start: {self.log.read_text()}")

    def kill(self):
        """As a power cut: nothing is saved."""
        self.process.kill()
        self.process.wait()

    def stop(self):
        """In good order: sessions and retained messages are saved."""
        self.process.terminate()
        self.process.wait(10)


@pytest.fixture
def make_mosquitto(tmp_path):
    """Configure a real broker: ``make_mosquitto()``, or with the lines of its configuration (PORT is replaced)."""
    made = []

    def make(*lines):
        made.append(Mosquitto(tmp_path / f"mosquitto-{len(made)}", *lines))
        return made[-1]

    yield make
    for broker in made:
        if broker.process is not None and broker.process.poll() is None:
            broker.kill()


@pytest.fixture
def mosquitto(make_mosquitto):
    """A real broker that runs."""
    return make_mosquitto().start()


@pytest.fixture
def eventually():
    """Wait until something that other threads or processes bring about holds, and return it."""

    def wait(check, seconds=30.0):
        until = time.monotonic() + seconds
        while not (found := check()):
            assert time.monotonic() < until, "it did not come to pass in time"
            time.sleep(0.01)
        return found

    return wait
