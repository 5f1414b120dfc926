"""Words and numbers that mean the same in every package: written down once, below everything.

What a batch holds is made of these words; a later version may add words, never change one.
"""

from typing import Final

# ISO 3166-1 keeps ZZ free for whoever needs a code for "not known".
UNKNOWN_COUNTRY: Final = "ZZ"
# From a home prefix, to one, both ends at home, neither end at home.
DIRECTIONS: Final = ("out", "in", "internal", "transit")
# Those that cross the operator's border, of which indicators are computed.
CROSSING: Final = ("out", "in")
# What says where an address is, the surest first (docs/locations.md).
LOCATION_RUNGS: Final = ("operator", "cloud", "anycast", "database", "disagreement", "unknown")
TRANSPORTS: Final = ("tcp", "udp", "other", "any")
SAMPLING_FROM: Final = ("record", "options", "config", "assumed", "unsampled", "mixed")
# How operators, collectors and exporters may be named: small letters, digits, . _ -, 63 at most.
IDENTIFIER: Final = r"^[a-z0-9][a-z0-9._-]{0,62}$"
# How a token stands in the header Authorization (RFC 6750): "Bearer <token>".
BEARER: Final = "Bearer"
# A normal deviate lies within ± so many standard deviations with probability 0.95.
NORMAL_QUANTILE_95: Final = 1.959963984540054
