"""Baselines that could win: calibrated surface tangents, ridge and gradient boosting on everything a back shows.

They are fitted on the same training subjects as the networks, on each back and its mirror image, and kept as plain
arrays. They serve the comparison only and never run on a device.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edge.errors import MissingDependencyError, UsageError
from edge.runtime.manifest import INTERVAL_NAMES
from edge.whole_file import write_whole_bytes
from export.evaluate.baselines import true_angles
from export.evaluate.forest import Forest, forest_of
from export.evaluate.skin_features import FEATURES, TANGENTS, mirrored, skin_features
from export.train.sample import SampleSource

Values = NDArray[np.float64]

TANGENT_LINES: Final = "surface tangents, per level"
RIDGE: Final = "ridge on the back's shape"
BOOSTED: Final = "gradient boosting on the shape"
NAMES: Final = (TANGENT_LINES, RIDGE, BOOSTED)
ALPHAS: Final = np.geomspace(0.3, 3e4, 11)
COMPONENTS: Final = 30
"""Principal components of the shape that the trees see, beside tangents and sizes."""
FOLDS: Final = 4
TREES: Final = {"max_iter": 160, "learning_rate": 0.07, "max_leaf_nodes": 8, "min_samples_leaf": 15,
                "l2_regularization": 5.0}


@dataclass(frozen=True)
class Linear:
    """angle = (x - mean) / scale @ weights + offset, on the features ``columns``."""

    columns: NDArray[np.int64]
    mean: Values
    scale: Values
    weights: Values
    offset: Values

    def standardised(self, x: Values) -> Values:
        """(N, C) features as the weights take them; far-out values are held, a line must not run away with them."""
        return np.asarray(np.clip((x[:, self.columns] - self.mean) / self.scale, -5.0, 5.0))

    def predict(self, x: Values) -> Values:
        """(N, 9) degrees."""
        return np.asarray(self.standardised(x) @ self.weights + self.offset)


@dataclass(frozen=True)
class Regressions:
    """All fitted predictors. components: (C, ``COMPONENTS``) of ``ridge``'s standardised features."""

    fitted_on: str
    subjects: int
    tangents: Linear
    ridge: Linear
    components: Values
    trees: tuple[Forest, ...]

    def predict(self, features: Values) -> dict[str, dict[str, Values]]:
        """Predictor -> angle -> (N,) degrees for (N, FEATURES) features; rows with NaN give NaN."""
        known: NDArray[np.bool_] = np.asarray(np.isfinite(features).all(axis=1))
        safe = np.where(known[:, None], features, 0.0)
        tree_inputs = tree_features(safe, self.ridge, self.components)
        said = {
            TANGENT_LINES: self.tangents.predict(safe),
            RIDGE: self.ridge.predict(safe),
            BOOSTED: np.stack([forest.predict(tree_inputs) for forest in self.trees], axis=1),
        }
        said = {name: np.where(known[:, None], values, np.nan) for name, values in said.items()}
        return {name: dict(zip(INTERVAL_NAMES, values.T, strict=True)) for name, values in said.items()}


def tree_features(x: Values, ridge: Linear, components: Values) -> Values:
    """(N, ...) what the trees see: principal components, tangents and sizes, and what the ridge says of each angle."""
    return np.concatenate([ridge.standardised(x) @ components, x[:, TANGENTS.start :], ridge.predict(x)], axis=1)


def fit_regressions(x: Values, mirrored: Values, y: Values, fitted_on: str, seed: int = 0) -> Regressions:
    """Fit all three on (N, FEATURES) features of backs, of their mirror images, and (N, 9) true angles.

    Raises:
        MissingDependencyError: scikit-learn is not installed.
    """
    try:
        from sklearn.ensemble import HistGradientBoostingRegressor
    except ModuleNotFoundError as error:
        raise MissingDependencyError("fitting baselines needs scikit-learn", expected="sklearn", found="nothing",
                                     mend="pip install 'latxgen-edge[export]'") from error
    both, twice = np.concatenate([x, mirrored]), np.concatenate([y, y])
    groups = np.tile(np.arange(len(x)), 2)
    tangents, _ = _fit_linear(both, twice, groups, np.arange(FEATURES)[TANGENTS])
    ridge, out_of_fold = _fit_linear(both, twice, groups, np.arange(FEATURES))
    standard = ridge.standardised(both)
    components = np.linalg.eigh(standard.T @ standard)[1][:, ::-1][:, :COMPONENTS]
    # The trees learn from what the ridge says of subjects that it was not fitted on.
    inputs = tree_features(both, ridge, components)
    inputs[:, -y.shape[1] :] = out_of_fold
    forests = []
    for column in range(y.shape[1]):
        model = HistGradientBoostingRegressor(random_state=seed, early_stopping=False, **TREES)
        model.fit(inputs.astype(np.float32), twice[:, column])
        nodes = [tree.nodes for stage in model._predictors for tree in stage]
        forests.append(forest_of(nodes, float(np.ravel(model._baseline_prediction)[0])))
    return Regressions(fitted_on, len(x), tangents, ridge, components, tuple(forests))


def shape_samples(source: SampleSource) -> tuple[Values, Values, Values]:
    """Features, features of the mirror images and true angles of the samples whose endplates are all known."""
    rows = []
    for index in range(len(source)):
        sample = source[index]
        if sample.endplates_mm is None or not np.isfinite(sample.endplates_mm).all():
            continue
        own, other = skin_features(sample.view), skin_features(mirrored(sample.view))
        if own is not None and other is not None:
            truth = true_angles(sample.endplates_mm.astype(np.float64))
            rows.append((own, other, np.array([truth[name] for name in INTERVAL_NAMES])))
    x, flipped, y = (np.stack(column) for column in zip(*rows, strict=True))
    return x, flipped, y


def _fit_linear(x: Values, y: Values, groups: NDArray[np.int64], columns: NDArray[np.int64]) -> tuple[Linear, Values]:
    """Ridge with one penalty per angle, chosen on folds that share no subject; and what it says of those left out."""
    said = np.empty((len(ALPHAS), *y.shape))
    for fold in range(FOLDS):
        left_out = groups % FOLDS == fold
        for k, line in enumerate(_ridges(x[~left_out], y[~left_out], columns)):
            said[k, left_out] = line.predict(x[left_out])
    best = np.argmin(((said - y) ** 2).mean(axis=1), axis=0)  # (9,)
    whole = _ridges(x, y, columns)
    weights = np.stack([whole[k].weights[:, angle] for angle, k in enumerate(best)], axis=1)
    offset = np.array([whole[k].offset[angle] for angle, k in enumerate(best)])
    chosen = Linear(columns, whole[0].mean, whole[0].scale, weights, offset)
    return chosen, np.stack([said[k, :, angle] for angle, k in enumerate(best)], axis=1)


def _ridges(x: Values, y: Values, columns: NDArray[np.int64]) -> list[Linear]:
    """One ridge per penalty of ``ALPHAS``, from one decomposition."""
    mean, scale = x[:, columns].mean(axis=0), np.maximum(x[:, columns].std(axis=0), 1e-6)
    line = Linear(columns, mean, scale, np.zeros((len(columns), y.shape[1])), y.mean(axis=0))
    standard = line.standardised(x)
    centre = standard.mean(axis=0)
    values, vectors = np.linalg.eigh((standard - centre).T @ (standard - centre))
    onto = vectors.T @ ((standard - centre).T @ (y - line.offset))
    lines = []
    for alpha in ALPHAS:
        weights = vectors @ (onto / (np.maximum(values, 0.0)[:, None] + alpha))
        lines.append(Linear(columns, mean, scale, weights, line.offset - centre @ weights))
    return lines


def save_regressions(fitted: Regressions, path: Path) -> None:
    """Write one npz file, whole or not at all; weights as float32.

    Raises:
        OutputError: the file cannot be written.
    """
    content: dict[str, Any] = {"fitted_on": np.array(fitted.fitted_on), "subjects": np.array(fitted.subjects),
                               "components": fitted.components.astype(np.float16)}
    for name, line in (("tangents", fitted.tangents), ("ridge", fitted.ridge)):
        content |= {f"{name}.{k}": v.astype(np.int16 if k == "columns" else np.float32) for k, v in vars(line).items()}
    for index, forest in enumerate(fitted.trees):
        content |= {f"tree{index}.{k}": v for k, v in forest.arrays().items()}
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **content)
    write_whole_bytes(path, buffer.getvalue(), "the fitted baselines")


def load_regressions(path: Path) -> Regressions:
    """Read what ``save_regressions`` wrote.

    Raises:
        UsageError: no such file, or something else in it.
    """
    mend = "fit them with: latx-export baselines"
    try:
        with np.load(path, allow_pickle=False) as data:
            content = {name: data[name] for name in data.files}
        lines = [
            Linear(content[f"{n}.columns"].astype(np.int64),
                   *(content[f"{n}.{k}"].astype(np.float64) for k in ("mean", "scale", "weights", "offset")))
            for n in ("tangents", "ridge")
        ]
        trees = tuple(
            Forest.of_arrays({k.partition(".")[2]: v for k, v in content.items() if k.startswith(f"tree{i}.")})
            for i in range(len(INTERVAL_NAMES))
        )
        return Regressions(str(content["fitted_on"]), int(content["subjects"]), lines[0], lines[1],
                           content["components"].astype(np.float64), trees)
    except OSError as error:
        raise UsageError("no fitted baselines to compare with", where=str(path), expected="a file of latx-export "
                         "baselines", found=error.strerror or "nothing", mend=mend) from error
    except (KeyError, ValueError) as error:
        raise UsageError("not a file of fitted baselines", where=str(path), expected="arrays by name",
                         found=str(error), mend=mend) from error
