"""How sure a share is that was seen on a few: Wilson's interval.

Owns one formula. Pure.
"""

import math
from typing import Final

_Z: Final = 1.959963984540054  # of the normal distribution: 95 % lie within


def wilson(right: int, seen: int) -> tuple[float, float]:
    """The 95 % interval of a share of which `right` of `seen` were seen; (0, 1) when none was.

    E. B. Wilson, Probable inference, the law of succession, and statistical inference (JASA 22, 1927).
    """
    if seen == 0:
        return 0.0, 1.0
    share, of_z = right / seen, _Z * _Z / seen
    middle = (share + of_z / 2) / (1 + of_z)
    half = _Z / (1 + of_z) * math.sqrt(share * (1 - share) / seen + of_z / (4 * seen))
    return max(0.0, middle - half), min(1.0, middle + half)
