"""The prior is fitted, stored and set."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from edge.errors import BundleError, UsageError
from export.model.structure import StructureNet
from export.train.template import Prior, fit_prior, shape_modes


def test_the_modes_span_the_subjects_and_have_unit_variance(source) -> None:
    endplates = np.stack([s.endplates_mm for s in source.samples])
    mean, modes = shape_modes(endplates, 5)
    flat = modes.reshape(len(modes), -1)
    coefficients = np.linalg.lstsq(flat.T, (endplates - mean).reshape(len(endplates), -1).T, rcond=None)[0]
    rebuilt = (coefficients.T @ flat).reshape(endplates.shape) + mean
    assert np.abs(rebuilt - endplates).max() < 0.5
    assert 0.2 < (coefficients**2).mean(axis=1)[0] < 2.0


def test_the_mean_shape_is_symmetric(source) -> None:
    mean, _ = shape_modes(np.stack([s.endplates_mm for s in source.samples]), 3)
    np.testing.assert_allclose(mean[:, 2, 2], -mean[:, 3, 2], atol=1e-3)


def test_the_prior_survives_its_file_and_sets_the_network(source, config, tmp_path) -> None:
    prior = fit_prior(source, config.landmark_modes)
    prior.save(tmp_path / "prior.npz")
    again = Prior.load(tmp_path / "prior.npz")
    net = StructureNet(config)
    again.into(net)
    np.testing.assert_array_equal(net.shape.mean_mm.numpy(), prior.mean_mm.reshape(-1))
    np.testing.assert_array_equal(net.template[0].numpy(), prior.template)
    assert torch.isfinite(net.deform.template_points).all()
    assert [p.name for p in tmp_path.iterdir()] == ["prior.npz"]


def test_the_template_is_sharper_than_the_plain_mean(source, config) -> None:
    template = fit_prior(source, config.landmark_modes).template[0]
    plain = np.mean([s.log_attenuation for s in source.samples], axis=0)
    band = slice(120, 360)
    assert template[band].max(axis=1).mean() > plain[band].max(axis=1).mean() + 0.02


def test_a_damaged_prior_and_an_empty_source_are_refused(tmp_path, source) -> None:
    (tmp_path / "prior.npz").write_bytes(b"no")
    with pytest.raises(BundleError, match="cannot read the prior"):
        Prior.load(tmp_path / "prior.npz")
    source.samples = source.samples[:1]
    with pytest.raises(UsageError, match="too few subjects"):
        fit_prior(source, 3)
