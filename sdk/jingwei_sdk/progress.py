"""Progress (办理进度): what the public is told of an event; see ``ctx.events.progress``."""

from datetime import datetime

import msgspec


class PublicStep(msgspec.Struct, frozen=True):
    """A step by the public name of the state that it led into."""

    name: str
    at: datetime


class PublicPhoto(msgspec.Struct, frozen=True):
    """A photo for the public, without metadata; its links end after some minutes."""

    phase: str
    url: str
    thumbnail_url: str


class PublicProgress(msgspec.Struct, frozen=True):
    """How an event stands, in the tenant's words for the public.

    Nothing of those who handle it is told: no name, no note, no department, no deadline. Photos are
    those that the state lets the public see. ``is_merged`` says that it is handled with another
    event, whose steps these are.
    """

    state: str
    is_finished: bool
    is_merged: bool
    place: str
    reported_at: datetime
    closed_at: datetime | None
    steps: list[PublicStep]
    photos: list[PublicPhoto]
