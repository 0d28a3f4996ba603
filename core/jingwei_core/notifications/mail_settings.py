"""Settings of mail (邮件配置): environment variables with the prefix ``JINGWEI_SMTP_``.

Which server carries the platform's mail is the operator's decision, one for all tenants.
"""

from typing import Literal

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from jingwei_sdk.errors import Unavailable


class MailSettings(BaseSettings):
    """What an operator may set; each field is the variable ``JINGWEI_SMTP_<FIELD>``."""

    model_config = SettingsConfigDict(env_prefix="JINGWEI_SMTP_", frozen=True, extra="ignore")

    host: str = Field(default="", description="mail server; without it no mail is sent")
    port: int = Field(default=465, ge=1, le=65535, description="465 for tls, 587 for starttls")
    security: Literal["tls", "starttls", "none"] = Field(
        default="tls", description="none: only for a server of this machine"
    )
    user: str = Field(default="", description="name to sign in with; none without it")
    password: SecretStr = Field(default=SecretStr(""), description="its password")
    sender: str = Field(default="", description="address that the mail is from")
    timeout_s: float = Field(default=20, gt=0, le=60, description="for each answer of the server")

    @property
    def is_safe(self) -> bool:
        """Whether nothing is sent in clear over a network."""
        return self.security != "none" or self.host in ("127.0.0.1", "::1", "localhost")


def read_mail_settings() -> MailSettings:
    """The settings as the environment has them now.

    Raises ``Unavailable`` (``MAIL_SETTINGS``) naming what does not fit, ``MAIL_NOT_SET_UP`` where
    no server or sender is named, ``MAIL_IN_CLEAR`` for mail in clear over a network.
    """
    try:
        settings = MailSettings()
    except ValidationError as error:
        cause = ", ".join(".".join(map(str, item["loc"])) for item in error.errors())
        raise Unavailable("MAIL_SETTINGS", cause=cause) from None
    if not (settings.host and settings.sender):
        raise Unavailable("MAIL_NOT_SET_UP")
    if not settings.is_safe:
        raise Unavailable("MAIL_IN_CLEAR", host=settings.host)
    return settings
