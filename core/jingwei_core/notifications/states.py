"""How urgent a notification is, and what became of its way out."""

from enum import StrEnum


class Urgency(StrEnum):
    """紧急程度: ``now`` passes quiet hours and is never bundled, ``usual`` is sent as it comes
    unless too many do, ``digest`` waits for the next digest (摘要)."""

    NOW = "now"
    USUAL = "usual"
    DIGEST = "digest"


class Outward(StrEnum):
    """外发状态: of a notification's way out of the platform; the inbox has it in any case.

    ``waiting`` for its hour, ``sent`` by itself, ``bundled`` with others in a digest, ``kept``: in
    the inbox only, because no channel reaches the account, or it may not be told any more.
    """

    WAITING = "waiting"
    SENT = "sent"
    BUNDLED = "bundled"
    KEPT = "kept"
