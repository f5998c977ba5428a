"""What a synthetic film is held to, and what it is left free in."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from export.evaluate.film_agreement import ssim
from export.train.radiograph_trainer import (
    DETAIL_FAR,
    DETAIL_NEAR,
    NEAR_PX,
    film_terms,
    kept_detail,
    structural_dissimilarity,
)


@pytest.fixture
def film() -> torch.Tensor:
    return torch.rand(1, 1, 64, 32, generator=torch.Generator().manual_seed(5))


@pytest.fixture
def bodies() -> torch.Tensor:
    mask = torch.zeros(1, 1, 64, 32)
    mask[..., 16:48, 8:24] = 1.0
    return mask


def test_the_true_film_costs_nothing_but_the_detail_that_the_template_lacks(film, bodies) -> None:
    terms = film_terms(film, film, film / kept_detail(bodies), bodies)
    assert all(float(v) == pytest.approx(0.0, abs=1e-6) for v in terms.values())
    assert float(film_terms(film, film, film, bodies)["stray"]) > 0.01
    assert float(film_terms(film, film, torch.zeros_like(film), bodies)["stray"]) > 0.1


def test_more_of_the_templates_detail_is_kept_round_the_spine_than_elsewhere() -> None:
    bodies = torch.zeros(2, 1, 512, 256)
    bodies[0, :, 100:400, 120:150] = 1.0

    kept = kept_detail(bodies)

    assert kept.shape == bodies.shape
    assert torch.allclose(kept[0, :, 100:400, 120 - NEAR_PX // 2 : 150 + NEAR_PX // 2], torch.tensor(DETAIL_NEAR))
    assert torch.allclose(kept[0, :, :, : 120 - 2 * NEAR_PX], torch.tensor(DETAIL_FAR))
    assert torch.allclose(kept[1], torch.tensor(DETAIL_FAR))


def test_detail_outside_the_bodies_is_not_asked_for_but_brightness_is(film, bodies) -> None:
    checker = (torch.arange(64)[:, None] + torch.arange(32)[None]) % 2 * 2.0 - 1.0
    other_detail = film + 0.3 * checker * (1 - bodies)
    terms = film_terms(other_detail, film, other_detail, bodies)
    assert float(terms["coarse"]) < 1e-6
    assert float(terms["bodies"]) == 0.0
    assert float(film_terms(film + 0.5, film, film, bodies)["coarse"]) == pytest.approx(0.5, abs=1e-5)


def test_detail_on_the_bodies_is_asked_for(film, bodies) -> None:
    flat = torch.full_like(film, float(film.mean()))
    terms = film_terms(flat, film, flat, bodies)
    assert float(terms["bodies"]) > 0.1
    assert float(terms["edges"]) > 0.1


def test_unknown_parts_of_a_film_take_no_part(film, bodies) -> None:
    cut = film.clone()
    cut[..., 40:, :] = float("nan")
    got = film.clone()
    got[..., 40:, :] += 5.0
    terms = film_terms(got, cut, film, torch.zeros_like(bodies))
    assert float(terms["coarse"]) == 0.0
    assert all(torch.isfinite(v) for v in terms.values())


def test_the_structural_term_is_what_an_evaluation_measures() -> None:
    rng = np.random.default_rng(0)
    film = rng.uniform(0, 5, (512, 256)).astype(np.float32)
    other = (film + rng.normal(0, 0.5, film.shape)).astype(np.float32)
    known = torch.ones(1, 1, *film.shape)

    term = structural_dissimilarity(torch.from_numpy(other)[None, None], torch.from_numpy(film)[None, None], known)

    assert float(term) == pytest.approx(1 - ssim(other, film), abs=1e-3)
