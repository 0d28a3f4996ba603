"""What residents hold in their hands (凭据): tracking codes, and the tokens of forms and photos."""

import uuid
from datetime import datetime

import msgspec

from jingwei_core.presence.desk import LONGEST_TOKEN, Desk, FormToken
from jingwei_core.settings import Settings
from jingwei_sdk.context import Tenant
from jingwei_sdk.errors import Denied

ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
"""No 0 and O, no 1, I and L, and no U, which reads as V by hand."""
LENGTH = 16
"""16 of 30 letters: 78 bits. At 30 tries a minute nobody meets one of a million codes in a life."""
GROUP = 4


class PhotoToken(msgspec.Struct, frozen=True):
    """A photo that may be uploaded, and reported with until ``until``, UNIX seconds."""

    id: uuid.UUID
    content_type: str
    size: int
    sha256: str
    until: int


class ReportDesk(Desk):
    """Makes and checks what those who report in one tenant hold."""

    def __init__(self, settings: Settings, tenant: Tenant) -> None:
        super().__init__(settings, tenant, "public-report")

    def photo(self, photo: PhotoToken) -> str:
        """A token for a photo that was announced."""
        return self.signed("photo", photo)

    def announced(self, token: str, now: datetime, field: str) -> PhotoToken:
        """The photo that a token stands for; raises ``Denied`` (``PUBLIC_PHOTO_UNKNOWN``)."""
        photo = self.read("photo", token, PhotoToken)
        if photo is None or photo.until < now.timestamp():
            raise Denied("PUBLIC_PHOTO_UNKNOWN", field=field)
        return photo

    def code(self, form: FormToken) -> str:
        """The tracking code of what is sent with this form, in groups of four.

        It follows from the form, so that who sends a form again because the answer was lost gets
        the same code, though only its digest is kept.
        """
        number = int.from_bytes(self.mac("code", form.nonce), "big")
        letters = ""
        for _ in range(LENGTH):
            number, letter = divmod(number, len(ALPHABET))
            letters += ALPHABET[letter]
        return "-".join(letters[at : at + GROUP] for at in range(0, LENGTH, GROUP))

    def digest(self, code: str) -> str:
        """What is kept of a tracking code, as people write it: in small letters, with spaces."""
        plain = "".join(letter for letter in code.upper() if letter in ALPHABET)
        return self.mac("digest", plain if len(code) <= LONGEST_TOKEN else "").hex()
