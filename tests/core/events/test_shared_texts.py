"""What tenants have in common is held once, however many of them there are."""

import uuid
from typing import Any

import msgspec

from jingwei_core.events.configuration import _decoded
from jingwei_core.events.workflow_reading import stored_workflow

FORM = {"type": "object", "properties": {"floor": {"type": "integer"}}, "required": ["floor"]}
WORKFLOW = {
    "code": "plain",
    "name_zh": "流程",
    "name_en": "Plain",
    "states": [
        {"code": "new", "name_zh": "新", "name_en": "New", "kind": "start"},
        {"code": "done", "name_zh": "完", "name_en": "Done", "kind": "final"},
    ],
    "actions": [
        {
            "code": "finish",
            "name_zh": "办结",
            "name_en": "Finish",
            "from": ["new"],
            "to": "done",
            "permission": "event.finish",
        }
    ],
}


def answer(*schemas: Any) -> bytes:
    """What the database answers for a tenant with one kind for each schema."""
    kinds = [
        {
            "id": uuid.uuid4(),
            "code": f"kind-{number}",
            "department": None,
            "workflow": "plain",
            "deadline_profile": "",
            "form_schema": schema,
            "photo_required": False,
            "duplicate_radius_m": None,
            "duplicate_days": None,
            "owner_plugin": "",
            "is_active": True,
        }
        for number, schema in enumerate(schemas)
    ]
    workflow = {"id": uuid.uuid4(), "code": "plain", "number": 1, "is_current": True}
    told = {"number": 3, "kinds": kinds, "workflows": [{**workflow, "definition": WORKFLOW}]}
    return msgspec.json.encode({**told, "limits": [], "calendars": [], "days": []})


def test_tenants_share_forms_and_workflows_and_nothing_else() -> None:
    ours, theirs = _decoded(answer(FORM, None)), _decoded(answer(FORM, {"type": "object"}))
    assert ours.kinds[0].id != theirs.kinds[0].id
    assert ours.kinds[0].form is theirs.kinds[0].form
    assert ours.kinds[1].form is not theirs.kinds[1].form
    assert ours.workflows[0].read is theirs.workflows[0].read
    assert ours.workflows[0].read.start == "new"


def test_what_is_held_is_not_the_whole_answer() -> None:
    whole = answer(FORM)
    found = _decoded(whole)
    held = (found.kinds[0].form_schema, found.workflows[0].definition)
    assert all(memoryview(text).obj is not whole for text in held)
    assert [bytes(text) for text in held] == [msgspec.json.encode(one) for one in (FORM, WORKFLOW)]


def test_a_kind_without_a_form_takes_none() -> None:
    form = _decoded(answer(None)).kinds[0].form
    assert form.check({}) == {}


def test_a_stored_workflow_is_read_once() -> None:
    text = msgspec.json.encode(WORKFLOW)
    assert stored_workflow(text) is stored_workflow(bytes(bytearray(text)))
