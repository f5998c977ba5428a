"""Effective linear attenuation of the phantom's materials, per millimetre.

Values at 90 kVp, 3 mm Al + 0.1 mm Cu behind 25 cm of tissue (mean 65 keV), computed once with SpekPy 2.5 spectra and
the NIST coefficients of xraylib 4.3; trabecular bone and cartilage are mixtures of cortical bone and soft tissue.
"""

from __future__ import annotations

from typing import Final

SOFT: Final = 21.0e-3
FAT: Final = 17.9e-3
LUNG: Final = 5.6e-3  # 0.26 g/cm3 at full inspiration gives 5.3; a standing child breathes a little less deep
CORTICAL: Final = 56.5e-3
TRABECULAR: Final = 27.0e-3
MARROW: Final = 20.0e-3
CARTILAGE: Final = 22.6e-3
TEETH: Final = 75.0e-3
AIR: Final = 0.0
