"""Live mode's picture for a screen elsewhere: small, not often, synthetic, and drawn only where somebody may look."""

from __future__ import annotations

import cv2
import numpy as np

from edge.daemon.preview import small_jpeg
from edge.sinks.mqtt.link_status import LinkStatus

LIVE = {"live": {"enabled": True}, "scan": {"auto": False}}


def broker(**more: object) -> dict[str, object]:
    return {"host": "127.0.0.1", "port": 1, **more}


def test_a_preview_comes_as_often_as_configured_with_the_angles_of_its_frame(kiosk) -> None:
    k = kiosk(mqtt=broker(preview_hz=2.0), **LIVE)
    k.camera.scene = "back"
    k.turn(20, 0.1)

    assert 3 <= len(k.link.previews) <= 5
    picture, angles_deg = k.link.previews[-1]
    assert cv2.imdecode(np.frombuffer(picture, np.uint8), cv2.IMREAD_UNCHANGED).shape == (512, 256)
    assert angles_deg.keys() == k.service.parts.live.newest().angles_deg.keys()


def test_nothing_is_drawn_by_default_nor_without_a_broker_nor_without_live_mode(kiosk) -> None:
    by_default = kiosk(mqtt=broker(), **LIVE)
    alone = kiosk(mqtt=broker(preview_hz=2.0), **LIVE)
    alone.link.status = LinkStatus(connected=False)
    still = kiosk(mqtt=broker(preview_hz=2.0), scan={"auto": False})
    for k in (by_default, alone, still):
        k.camera.scene = "back"
        k.turn(10, 0.2)

        assert k.link.previews == []


def test_a_picture_that_was_shown_is_not_shown_again(kiosk) -> None:
    k = kiosk(mqtt=broker(preview_hz=10.0), **LIVE)
    k.camera.scene = "back"
    k.turn(3, 0.2)
    shown = len(k.link.previews)
    k.camera.scene = ""
    k.turn(10, 0.2)

    assert len(k.link.previews) == shown


def test_a_picture_is_compressed_until_it_fits_or_left_out() -> None:
    noise = np.random.default_rng(5).integers(0, 256, (512, 256)).astype(np.uint8)
    whole, small = small_jpeg(noise, 250_000), small_jpeg(noise, 40_000)

    assert whole is not None
    assert small is not None
    assert len(small) <= 40_000 < len(whole)
    assert small_jpeg(noise, 8_000) is None
