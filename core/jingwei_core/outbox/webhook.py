"""The webhook channel (回调): one signed POST of JSON over HTTPS.

Headers: ``Jingwei-Signature: t=<Unix seconds>,v1=<hex>`` where v1 is HMAC-SHA256 of
``<t>.<body>`` under the target's secret; ``Idempotency-Key``, the message's id over all attempts;
``Jingwei-Tenant``, the tenant's slug. Redirects and proxies of the environment are not followed.
"""

import asyncio
import hashlib
import hmac
import json

import httpx

from jingwei_core.outbox.outbox_settings import OutboxSettings, WebhookTarget
from jingwei_core.outbox.targets import Target, check_target
from jingwei_sdk.channels import Message
from jingwei_sdk.errors import Denied, Unavailable

_LATER = frozenset({408, 425, 429})
"""Refusals (4xx) that say "not now": RFC 9110 §15.5.9, RFC 8470 §5.2, RFC 6585 §4."""


class Webhook:
    """Delivers to one target."""

    def __init__(self, target: WebhookTarget, settings: OutboxSettings) -> None:
        self._target = target
        self._settings = settings

    async def deliver(self, message: Message, tenant: str) -> None:
        """Return when the target answered 2xx; ``tenant`` is the slug of the sender.

        Raises ``Unavailable`` (``WEBHOOK_UNREACHABLE``, ``WEBHOOK_NOT_NOW``), ``Denied``
        (``WEBHOOK_REFUSED``) and those of :func:`check_target`.
        """
        checked = await check_target(self._target.url, self._settings)
        body = json.dumps(dict(message.data), ensure_ascii=False).encode()
        sent_at = int(message.sent_at.timestamp())
        secret = self._target.secret.get_secret_value()
        headers = {
            "Host": checked.url.netloc.decode("ascii"),
            "Content-Type": "application/json",
            "User-Agent": "jingwei-outbox",
            "Idempotency-Key": str(message.id),
            "Jingwei-Tenant": tenant,
            "Jingwei-Signature": f"t={sent_at},v1={signature(secret, sent_at, body)}",
        }
        _judge(await self._post(checked, body, headers))

    async def _post(self, target: Target, body: bytes, headers: dict[str, str]) -> int:
        answer_s, connect_s = self._settings.answer_timeout_s, self._settings.connect_timeout_s
        timeout = httpx.Timeout(answer_s, connect=connect_s)
        # The certificate is checked against the name, though the connection goes to the address.
        extensions = {"sni_hostname": target.url.host}
        try:
            # httpx counts its time-outs anew with each byte; this one is for the whole.
            async with (
                asyncio.timeout(answer_s + connect_s),
                httpx.AsyncClient(timeout=timeout, trust_env=False) as client,
                client.stream(
                    "POST", target.pinned, content=body, headers=headers, extensions=extensions
                ) as answer,
            ):
                # The answer's body is not read: a target must not be able to fill our memory.
                return answer.status_code
        except (httpx.HTTPError, TimeoutError) as error:
            raise Unavailable("WEBHOOK_UNREACHABLE", cause=type(error).__name__) from error


def signature(secret: str, sent_at: int, body: bytes) -> str:
    """The hex HMAC-SHA256 of ``<sent_at>.<body>``; ``sent_at`` in Unix seconds."""
    signed = str(sent_at).encode() + b"." + body
    return hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()


def _judge(status: int) -> None:
    if 200 <= status < 300:
        return
    if 400 <= status < 500 and status not in _LATER:
        raise Denied("WEBHOOK_REFUSED", status=status)
    raise Unavailable("WEBHOOK_NOT_NOW", status=status)
