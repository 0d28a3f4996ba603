"""What a caller asks of a list."""

from dataclasses import dataclass
from typing import Literal

Direction = Literal["asc", "desc"]
MAX_PAGE = 100


@dataclass(frozen=True, slots=True)
class PageRequest:
    """Relay paging: ``first``/``after`` forwards or ``last``/``before`` backwards."""

    first: int | None = None
    after: str | None = None
    last: int | None = None
    before: str | None = None
