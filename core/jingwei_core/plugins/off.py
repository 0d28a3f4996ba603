"""Why a plugin is not served (停用原因): a state, a reason for its operator, perhaps a link."""

from typing import Literal, NamedTuple

from jingwei_sdk.errors import Refused

OffState = Literal[
    "missing",
    "incompatible",
    "failed",
    "denied",
    "faulty_declaration",
    "not_migrated",
    "needs",
    "clash",
    "outdated",
]
"""``missing`` is not installed, ``incompatible`` asks for an SDK that is not served, ``failed``
raised when it was loaded, ``denied`` stands on the deny list, ``faulty_declaration`` contradicts
the core or itself, ``not_migrated`` has a migration that failed, ``needs`` lacks another plugin,
``clash`` claims what an earlier plugin of the same tenant has, ``outdated`` is older than the
tenant's data."""


class Off(NamedTuple):
    """Why one plugin is not served."""

    plugin: str
    state: OffState
    reason: str
    link: str = ""


def told(error: BaseException) -> str:
    """What a stranger's code raised, as a reason: the refusal, or the type and its message."""
    return str(error) if isinstance(error, Refused) else f"{type(error).__name__}: {error}"
