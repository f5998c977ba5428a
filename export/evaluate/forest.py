"""Boosted trees as plain arrays: fitted by scikit-learn, kept and evaluated without it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Forest:
    """A sum of regression trees. All (T, nodes): feature (-1 at a leaf), threshold, left, right, value. base: added."""

    feature: NDArray[np.int16]
    threshold: NDArray[np.float32]
    left: NDArray[np.int16]
    right: NDArray[np.int16]
    value: NDArray[np.float32]
    base: float

    def predict(self, x: NDArray[np.floating]) -> NDArray[np.float64]:
        """(N,) sums over the trees for (N, F) inputs."""
        rows = np.arange(len(x))
        total = np.full(len(x), self.base)
        for tree in range(len(self.feature)):
            node = np.zeros(len(x), np.int64)
            while True:
                feature = self.feature[tree, node]
                inner = feature >= 0
                if not inner.any():
                    break
                goes_left = x[rows, np.maximum(feature, 0)] <= self.threshold[tree, node]
                after = np.where(goes_left, self.left[tree, node], self.right[tree, node])
                node = np.where(inner, after, node)
            total += self.value[tree, node]
        return total

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Everything by name, for an npz file."""
        return {"feature": self.feature, "threshold": self.threshold, "left": self.left, "right": self.right,
                "value": self.value, "base": np.array(self.base)}

    @classmethod
    def of_arrays(cls, arrays: dict[str, NDArray[Any]]) -> Forest:
        """Inverse of ``arrays``."""
        return cls(**{name: arrays[name] for name in ("feature", "threshold", "left", "right", "value")},
                   base=float(arrays["base"]))


def forest_of(nodes: Sequence[NDArray[Any]], base: float) -> Forest:
    """Trees of scikit-learn's histogram boosting (structured arrays, one per tree) as one padded set of arrays."""
    size = max(len(tree) for tree in nodes)
    shape = (len(nodes), size)
    feature, left, right = (np.full(shape, fill, np.int16) for fill in (-1, 0, 0))
    threshold, value = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
    for t, tree in enumerate(nodes):
        n = len(tree)
        leaf = tree["is_leaf"].astype(bool)
        feature[t, :n] = np.where(leaf, -1, tree["feature_idx"])
        threshold[t, :n] = np.where(leaf, 0, tree["num_threshold"])
        left[t, :n], right[t, :n] = np.where(leaf, 0, tree["left"]), np.where(leaf, 0, tree["right"])
        value[t, :n] = np.where(leaf, tree["value"], 0)
    return Forest(feature, threshold, left, right, value, base)
