"""The hooks there are. A new one comes only with a shipped plugin that hears it."""

from typing import Any

from jingwei_sdk.hooks import Failure, Hook, Mode
from jingwei_sdk.payloads import (
    DepartmentChoice,
    EventToAssign,
    EventTransition,
    PluginEnabled,
    SubjectExport,
    Veto,
)

before_event_transition: Hook[EventTransition, Veto | None] = Hook(
    name="before_event_transition",
    mode=Mode.VETO,
    given=EventTransition,
    failure=Failure.SKIP,
    timeout_s=5.0,
    since="0.1",
    description="事件流转之前 · before a step of an event, in its transaction; a Veto stops it",
    answer=Veto,
)

on_event_transitioned: Hook[EventTransition, None] = Hook(
    name="on_event_transitioned",
    mode=Mode.COLLECT,
    given=EventTransition,
    failure=Failure.SKIP,
    timeout_s=300.0,
    since="0.1",
    description="事件流转之后 · after a step is committed; at least once, so be idempotent",
)

on_plugin_enabled: Hook[PluginEnabled, None] = Hook(
    name="on_plugin_enabled",
    mode=Mode.COLLECT,
    given=PluginEnabled,
    failure=Failure.SKIP,
    timeout_s=300.0,
    since="1.0",
    description="插件启用之后 · after a plugin was switched on for the tenant, told to all of them",
)

decide_event_department: Hook[EventToAssign, DepartmentChoice | None] = Hook(
    name="decide_event_department",
    mode=Mode.FIRST,
    given=EventToAssign,
    failure=Failure.SKIP,
    timeout_s=5.0,
    since="1.0",
    description="决定承办部门 · which department an event goes to when the step names none",
    answer=DepartmentChoice,
)

extend_subject_export: Hook[SubjectExport, SubjectExport] = Hook(
    name="extend_subject_export",
    mode=Mode.FOLD,
    given=SubjectExport,
    failure=Failure.ABORT,
    timeout_s=30.0,
    since="1.0",
    description="补充个人信息副本 · what a person's copy of their data holds beside the core's",
    answer=SubjectExport,
)

ALL_HOOKS: tuple[Hook[Any, Any], ...] = (
    before_event_transition,
    on_event_transitioned,
    on_plugin_enabled,
    decide_event_department,
    extend_subject_export,
)
