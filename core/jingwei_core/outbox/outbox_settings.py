"""Settings of the outbox (发件箱配置): environment variables with the prefix ``JINGWEI_OUTBOX_``.

Where a tenant's webhook goes is the operator's decision, not the tenant's data: whoever may choose
the address can make this server speak to it.
"""

import tomllib
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from pathlib import Path

from pydantic import BaseModel, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from jingwei_sdk.errors import Unavailable


class WebhookTarget(BaseModel):
    """Where a tenant's messages go, and the secret that signs them (at least 32 characters)."""

    url: str
    secret: SecretStr = Field(min_length=32)


class OutboxSettings(BaseSettings):
    """What an operator may set; each field is the variable ``JINGWEI_OUTBOX_<FIELD>``."""

    model_config = SettingsConfigDict(
        env_prefix="JINGWEI_OUTBOX_", frozen=True, extra="ignore", env_parse_none_str="null"
    )

    webhooks_file: Path | None = Field(
        default=None, description="TOML: [<tenant slug>] with url and secret; read at each delivery"
    )
    allowed_networks: tuple[IPv4Network | IPv6Network, ...] = Field(
        default=(), description='private networks that may be targets, as JSON: ["10.1.0.0/16"]'
    )
    connect_timeout_s: float = Field(default=5, gt=0, le=15, description="reaching a receiver")
    answer_timeout_s: float = Field(default=10, gt=0, le=30, description="its whole answer")

    def webhook_of(self, tenant: str) -> WebhookTarget | None:
        """The tenant's target, if one is set.

        Raises ``Unavailable`` (``OUTBOX_SETTINGS``) if the file cannot be read or does not fit.
        """
        if self.webhooks_file is None:
            return None
        try:
            tables = tomllib.loads(self.webhooks_file.read_text(encoding="utf-8"))
            return WebhookTarget.model_validate(tables[tenant]) if tenant in tables else None
        except (OSError, UnicodeError, tomllib.TOMLDecodeError) as error:
            cause = type(error).__name__
        except ValidationError as error:
            # Its text would quote the secret that does not fit.
            cause = ", ".join(".".join(map(str, item["loc"])) for item in error.errors())
        raise Unavailable("OUTBOX_SETTINGS", file=str(self.webhooks_file), cause=cause)

    def allows(self, address: IPv4Address | IPv6Address) -> bool:
        """Whether the operator named a network with this address."""
        return any(address in network for network in self.allowed_networks)


def read_outbox_settings() -> OutboxSettings:
    """The settings as the environment has them now.

    Raises ``Unavailable`` (``OUTBOX_SETTINGS``) naming what does not fit.
    """
    try:
        return OutboxSettings()
    except ValidationError as error:
        cause = ", ".join(".".join(map(str, item["loc"])) for item in error.errors())
        raise Unavailable("OUTBOX_SETTINGS", file="JINGWEI_OUTBOX_*", cause=cause) from None
