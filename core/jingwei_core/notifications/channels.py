"""Which channels reach a person (触达渠道) in a tenant: those of its packages, and mail where the
operator has set it up."""

import os
from typing import TYPE_CHECKING

from jingwei_core.outbox.channels import Owned

if TYPE_CHECKING:
    from jingwei_core.registry import Registry

EMAIL = "email"
"""The core's own channel to persons."""
MAIL_HOST = "JINGWEI_SMTP_HOST"


def person_channels(registry: "Registry") -> dict[str, Owned]:
    """The channels to persons of the enabled packages, by code; mail only where it is set up."""
    return {
        channel.code: Owned(plugin, channel)
        for plugin in registry.plugins
        for channel in plugin.channels
        if channel.reaches == "person" and (channel.code != EMAIL or mail_is_set_up())
    }


def mail_is_set_up() -> bool:
    """Whether the operator named a mail server."""
    return bool(os.environ.get(MAIL_HOST))
