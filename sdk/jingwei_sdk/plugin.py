"""A plugin (插件): what one domain module contributes, and its manifest as data.

The manifest ``plugin.toml`` lies beside the package's ``__init__.py`` and is read without importing
the plugin; :class:`Plugin` is what its entry point in the group ``jingwei.plugins`` names.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from jingwei_sdk.channels import Channel
from jingwei_sdk.context import Context
from jingwei_sdk.data_rights import CloneRule, DataRights
from jingwei_sdk.demo import Demo
from jingwei_sdk.events import Consumer, EventType
from jingwei_sdk.indicators import Indicator
from jingwei_sdk.manifest import PLUGIN_ID, Manifest, PermissionText, read_manifest
from jingwei_sdk.presence import MapLayer, NavigationItem, PublicForm, PublicPage
from jingwei_sdk.questions import Question
from jingwei_sdk.records import Extension, Record
from jingwei_sdk.reminders import Reminder
from jingwei_sdk.settings import SettingsOf
from jingwei_sdk.subscriptions import Subscription
from jingwei_sdk.tables import TenantTable
from jingwei_sdk.upgrades import DataMigration
from jingwei_sdk.versions import SDK_VERSION
from jingwei_sdk.workflows import DeadlineFile, WorkflowFile

__all__ = [
    "ENTRY_POINT_GROUP",
    "PLUGIN_ID",
    "SDK_VERSION",
    "EventKindDeclaration",
    "Job",
    "Manifest",
    "PermissionText",
    "Plugin",
    "read_manifest",
]

ENTRY_POINT_GROUP = "jingwei.plugins"


@dataclass(frozen=True, slots=True)
class Job:
    """A background job (后台任务): ``run(ctx, payload)`` in its own transaction, at least once.

    ``schedule`` is a cron expression in the tenant's time zone for jobs that start by themselves.
    ``timeout_s`` ends a run that takes longer; of one tenant at most ``most_waiting`` wait at a
    time (``None``: as many as the deployment allows), and of all jobs of the plugin together no
    more than the deployment allows.
    """

    name: str
    run: Callable[[Context, Mapping[str, Any]], Awaitable[None]]
    schedule: str | None = None
    timeout_s: float = 300.0
    most_waiting: int | None = None


@dataclass(frozen=True, slots=True)
class EventKindDeclaration:
    """An event kind (事件类型) a plugin brings; ``workflow`` names one of the tenant's."""

    code: str
    name_zh: str
    name_en: str
    workflow: str = "standard"
    deadline_profile: str = ""
    form_schema: Mapping[str, Any] | None = None
    photo_required: bool = False


@dataclass(frozen=True, eq=False)
class Plugin:
    """What a package contributes. ``package`` is its import name; hashable by identity.

    ``hooks`` are functions that a hook decorates, or one object as SDK 0.1 has it. ``hears`` are
    the codes of the event kinds whose steps concern them; without it they hear of every step of
    every event, and each step queues a job for them.
    """

    id: str
    package: str
    tables: tuple[type[TenantTable], ...] = ()
    records: tuple[Record, ...] = ()
    commands: tuple[Callable[..., Awaitable[Any]], ...] = ()
    extensions: tuple[Extension, ...] = ()
    jobs: tuple[Job, ...] = ()
    event_kinds: tuple[EventKindDeclaration, ...] = ()
    hooks: object | None = None
    hears: frozenset[str] | None = None
    requires: tuple[str, ...] = field(default_factory=tuple)
    questions: tuple[Question, ...] = ()
    workflows: tuple[WorkflowFile, ...] = ()
    deadlines: tuple[DeadlineFile, ...] = ()
    event_types: tuple[EventType[Any], ...] = ()
    consumers: tuple[Consumer[Any], ...] = ()
    reminders: tuple[Reminder, ...] = ()
    indicators: tuple[Indicator, ...] = ()
    settings: SettingsOf | None = None
    upgrades: tuple[DataMigration, ...] = ()
    navigation: tuple[NavigationItem, ...] = ()
    map_layers: tuple[MapLayer, ...] = ()
    public_pages: tuple[PublicPage, ...] = ()
    public_forms: tuple[PublicForm[Any], ...] = ()
    demo: Demo | None = None
    data_rights: tuple[DataRights, ...] = ()
    clone_rules: tuple[CloneRule, ...] = ()
    channels: tuple[Channel, ...] = ()
    subscriptions: tuple[Subscription, ...] = ()
