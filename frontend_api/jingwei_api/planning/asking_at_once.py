"""Asking at once (即问即答): questions that functions answer from what the session knows."""

from datetime import datetime
from typing import Any

import msgspec
import structlog

from jingwei_api.planning.arguments import input_of
from jingwei_api.planning.collecting import Chosen
from jingwei_api.schema.meanings import QuestionField
from jingwei_core.reading.selection import Asked
from jingwei_sdk.context import Actor, Permissions, Tenant
from jingwei_sdk.errors import Denied, JingweiError, Unavailable

RULES = "#rules"
"""Under this name the variables hold the tenant's event rules, where a field needs them."""

_log = structlog.get_logger(__name__)


class _Asker(msgspec.Struct, frozen=True):
    """See :class:`jingwei_sdk.narrowing.Asker`."""

    tenant: Tenant
    actor: Actor
    permissions: Permissions
    now: datetime
    locale: str
    rules: Any


def said(chosen: Chosen, asked: Asked) -> Any:
    """What a narrowed or told question says to one request; raises ``JingweiError``."""
    question = chosen.meaning.question
    say = question.narrow or question.tell
    assert say is not None
    if question.permission and not asked.permissions.allows(question.permission):
        raise Denied("PERMISSION_DENIED", permission=question.permission)
    asker = _Asker(
        asked.tenant,
        asked.actor,
        asked.permissions,
        asked.now,
        asked.locale,
        asked.variables.get(RULES),
    )
    told = () if question.input is None else (input_of(question.input, chosen, asked.variables),)
    try:
        return say(asker, *told)
    except JingweiError:
        raise
    except Exception as error:
        raise failed(chosen.meaning, error) from error


def failed(meaning: QuestionField, error: Exception) -> Unavailable:
    """The refusal for what a question's function did wrong, which the log tells by type only."""
    name = meaning.question.name
    # The type only: a message of a stranger's code may quote a person's data.
    _log.warning("question_failed", plugin=meaning.owner, question=name, error=type(error).__name__)
    return Unavailable("QUESTION_FAILED", plugin=meaning.owner, question=name)
