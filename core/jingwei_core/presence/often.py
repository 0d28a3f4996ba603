"""How often (限次): the platform's own numbers for what somebody without an account may do.

No document sets them. A tenant's rules of public reports may say others.
"""

LOOKS_PER_MINUTE = 30
"""Codes tried, and what is done with them, from one address (IPv4 /24, IPv6 /56)."""
USES_PER_HOUR = 60
"""Uses of one code, known or not."""
PHOTOS_PER_HOUR = 120
"""Photos announced from one address."""
