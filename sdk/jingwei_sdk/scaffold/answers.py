"""What the author of a new plugin is asked (问答), and the names that follow from it."""

import keyword
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from jingwei_sdk.errors import Invalid
from jingwei_sdk.plugin import PLUGIN_ID

_NOUN = re.compile(r"^[a-z][a-z0-9]*(_[a-z0-9]+)*$")
_LONGEST = 30
_CHINESE = re.compile(r"[\u3400-\u9fff]")
# What stands in quotes in files of other languages has to stay inside them.
_UNFIT = re.compile(r"[\"\\{}\x00-\x1f]")


class Contribution(StrEnum):
    """A part that a new plugin may begin with."""

    RECORDS = "records"
    COMMANDS = "commands"
    EVENTS = "events"
    HOOKS = "hooks"
    JOBS = "jobs"
    SETTINGS = "settings"
    FIELDS = "fields"
    NAVIGATION = "navigation"


QUESTIONS: Mapping[Contribution, tuple[str, str]] = {
    Contribution.RECORDS: ("数据表与查询", "records: a table and reading it"),
    Contribution.COMMANDS: ("命令：登记与修改", "commands: writing the table"),
    Contribution.EVENTS: ("事件类型：上报处置", "events: a kind of event about a row"),
    Contribution.HOOKS: ("响应：事件流转前后", "hooks: before and after steps of such an event"),
    Contribution.JOBS: ("定时任务", "jobs: something every morning"),
    Contribution.SETTINGS: ("租户设置", "settings: what a tenant may set"),
    Contribution.FIELDS: ("扩展核心记录的字段", "fields: a figure on the core's places"),
    Contribution.NAVIGATION: ("菜单项", "navigation: an entry of the menu"),
}
"""How each part is asked for, in Chinese and English."""

_NEEDS: Mapping[Contribution, Contribution] = {
    Contribution.COMMANDS: Contribution.RECORDS,
    Contribution.EVENTS: Contribution.COMMANDS,
    Contribution.HOOKS: Contribution.EVENTS,
    Contribution.JOBS: Contribution.COMMANDS,
    Contribution.FIELDS: Contribution.COMMANDS,
    Contribution.NAVIGATION: Contribution.RECORDS,
}


def with_needs(wanted: Iterable[Contribution]) -> frozenset[Contribution]:
    """The parts with those that they stand on: hooks bring events, events bring commands."""
    found: set[Contribution] = set()
    waiting = list(wanted)
    while waiting:
        part = waiting.pop()
        found.add(part)
        if part in _NEEDS:
            waiting.append(_NEEDS[part])
    return frozenset(found)


@dataclass(frozen=True)
class Answers:
    """Answers for a new plugin; ``noun`` names the thing it keeps, as an identifier.

    Raises ``Invalid`` (``SCAFFOLD_ANSWER``) for one that could not be written.
    """

    id: str
    name_zh: str
    name_en: str
    description_zh: str = ""
    description_en: str = ""
    noun: str = "entry"
    noun_zh: str = "条目"
    licence: str = "Apache-2.0"
    homepage: str = ""
    parts: frozenset[Contribution] = frozenset(Contribution)

    def __post_init__(self) -> None:
        object.__setattr__(self, "parts", with_needs(self.parts))
        for name, rule in (("id", PLUGIN_ID), ("noun", _NOUN)):
            value = getattr(self, name)
            if not rule.fullmatch(value) or keyword.iskeyword(value) or len(value) > _LONGEST:
                raise Invalid("SCAFFOLD_ANSWER", field=name, value=value)
        for name in ("name_zh", "noun_zh"):
            if not _CHINESE.search(getattr(self, name)):
                raise Invalid("SCAFFOLD_ANSWER", field=name, value=getattr(self, name))
        texts = ("name_zh", "name_en", "noun_zh", "description_zh", "description_en")
        for name in (*texts, "licence", "homepage"):
            if _UNFIT.search(getattr(self, name)):
                raise Invalid("SCAFFOLD_ANSWER", field=name, value=getattr(self, name))
        if not self.name_en.strip() or _CHINESE.search(self.name_en):
            raise Invalid("SCAFFOLD_ANSWER", field="name_en", value=self.name_en)

    @property
    def names(self) -> Mapping[str, str]:
        """The names of everything, by what templates call them."""
        schema, words = self.id.replace("-", "_"), self.noun.split("_")
        prefix = "".join(word.capitalize() for word in self.id.split("-"))
        thing = "".join(word.capitalize() for word in words)
        plural = f"{self.noun[:-1]}ies" if re.search("[^aeiou]y$", self.noun) else f"{self.noun}s"
        return {
            "noun": self.noun,
            "schema": schema,
            "package": schema,
            "distribution": self.id,
            "prefix": prefix,
            "type": prefix + thing,
            "thing": thing,
            "constant": self.noun.upper(),
            "code": schema.upper(),
            "plural": plural,
            "plural_camel": plural.split("_")[0]
            + "".join(word.capitalize() for word in plural.split("_")[1:]),
            "space": prefix[0].lower() + prefix[1:],
            "noun_kebab": self.noun.replace("_", "-"),
            "noun_words": " ".join(words),
            "article": "an" if self.noun[0] in "aeiou" else "a",
        }
