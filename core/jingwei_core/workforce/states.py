"""The states of a leave (请假状态)."""

from enum import StrEnum


class LeaveState(StrEnum):
    """Where a leave stands. Only an approved one gives its substitute anything; a closed one did,
    in the interval that was left of it."""

    REQUESTED = "requested"
    """待批准"""
    APPROVED = "approved"
    """已批准"""
    REFUSED = "refused"
    """未批准"""
    CANCELLED = "cancelled"
    """已撤销"""
    CLOSED = "closed"
    """已销假"""
