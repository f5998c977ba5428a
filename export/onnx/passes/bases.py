"""Real bases that make the orthonormal 2-D real Fourier transform two matrix products, and their inverse.

X = F_H x F_W with F = C - iS. For the inverse over the width only W//2+1 bins are kept, so each bin k carries weight
w_k (1 at k = 0 and, for even W, at k = W/2; else 2) and the imaginary part of these self-conjugate bins drops out, as
in ``numpy.fft.irfft2``. That is exact for odd widths and for spectra that are not conjugate-symmetric, where a
mirrored inverse is not. Angles are reduced in integers, so the bases stay accurate at any size.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Basis = NDArray[np.float32]


def forward_width(width: int) -> Basis:
    """(W, 2*(W//2+1)): x @ basis gives [real | imaginary] of the orthonormal rfft over the last axis."""
    angle = _angles(width, width // 2 + 1, width)
    return _basis(np.concatenate([np.cos(angle), -np.sin(angle)], axis=1), width)


def forward_height(height: int) -> Basis:
    """(2H, 2H) acting on stacked [real; imaginary] rows: the orthonormal complex DFT over the rows."""
    angle = _angles(height, height, height)
    c, s = np.cos(angle), np.sin(angle)
    return _basis(np.block([[c, s], [-s, c]]), height)


def inverse_height(height: int) -> Basis:
    """(2H, 2H): the inverse of ``forward_height``, which is its transpose, the transform being unitary."""
    return np.ascontiguousarray(forward_height(height).T)


def paired_columns(basis: Basis) -> Basis:
    """``basis`` (N, 2H) for [real; imaginary] rows, as it acts on rows in pairs: real 0, imaginary 0, real 1, ..."""
    rows, columns = basis.shape
    return np.ascontiguousarray(basis.reshape(rows, 2, columns // 2).swapaxes(1, 2).reshape(rows, columns))


def inverse_width(width: int) -> Basis:
    """(2*(W//2+1), W): [real | imaginary] @ basis gives the orthonormal irfft over the last axis."""
    bins = width // 2 + 1
    angle = _angles(bins, width, width)
    weight = self_conjugate_weights(width)[:, None]
    return _basis(np.concatenate([weight * np.cos(angle), -weight * np.sin(angle)]), width)


def self_conjugate_weights(width: int) -> NDArray[np.float64]:
    """(W//2+1,): how often each kept bin counts in the inverse: 1 where it is its own mirror image, else 2."""
    weights = np.full(width // 2 + 1, 2.0)
    weights[0] = 1.0
    if width % 2 == 0:
        weights[-1] = 1.0
    return weights


def _angles(rows: int, cols: int, size: int) -> NDArray[np.float64]:
    product = np.outer(np.arange(rows), np.arange(cols)) % size
    return np.asarray(product * (2 * np.pi / size), dtype=np.float64)


def _basis(values: NDArray[np.float64], size: int) -> Basis:
    return (values / np.sqrt(size)).astype(np.float32)
