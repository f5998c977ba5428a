"""The neutral node that a traced Fourier transform becomes, before a pass writes it in terms that a runtime knows.

It says what is meant and nothing of how: both transforms are two-dimensional, real on one side and orthonormal, and
their spectra are stacked, the C real parts before the C imaginary parts. No runtime knows the node; a finished file
never holds one.

| node | input | output | attributes |
|---|---|---|---|
| ``Rfft2`` | (B, C, H, W) | (B, 2C, H, W//2+1) | ``height``, ``width`` |
| ``Irfft2`` | (B, 2C, H, W//2+1) | (B, C, H, W) | ``height``, ``width``: of the image |

``Irfft2`` means ``numpy.fft.irfft2``: what a spectrum holds beyond a real image's (an imaginary part that should have
cancelled) is dropped, never folded in.
"""

from __future__ import annotations

from typing import Final

DOMAIN: Final = "latx.fft"
FORWARD: Final = "Rfft2"
INVERSE: Final = "Irfft2"
VERSION: Final = 1
