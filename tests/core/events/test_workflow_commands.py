"""``jingwei workflow``: what an administrator checks, compares, tries out and puts in force."""

import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from tests.core.events.city import City
from tests.core.events.rulebook import ruled, workflow
from tests.core.events.test_activation import renewed, whole
from tests.core.events.test_guards import working
from tests.fixtures.command_line import CommandLine

Run = Callable[..., Awaitable[tuple[int, Any]]]


@pytest.fixture
async def ruling(city: City) -> City:
    return await ruled(city, workflow())


@pytest.fixture
def run(ruling: City, jingwei: CommandLine) -> Run:
    """Runs ``jingwei workflow`` with ``--json``: the exit code, and what it says."""

    async def run(*words: object) -> tuple[int, Any]:
        told = await jingwei(
            ruling.platform.settings, "workflow", *(str(word) for word in words), "--json"
        )
        text = told.out if told.out.strip() else told.err
        return told.code, json.loads(text)

    return run


def written(folder: Path, document: dict[str, Any], name: str = "draft.toml") -> Path:
    """The document as a file; inline tables hold all that is nested."""
    lines = [f"{key} = {json.dumps(document[key])}" for key in ("code", "name_zh", "name_en")]
    lines.append(f"limits = {_inline(document['limits'])}")
    for part in ("states", "actions"):
        for row in document[part]:
            lines.append(f"[[{part}]]")
            lines += [f"{key} = {_inline(value)}" for key, value in row.items()]
    path = folder / name
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def _inline(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f'"{key}" = {_inline(one)}' for key, one in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_inline, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


async def test_check_tells_every_flaw_with_a_next_step(
    ruling: City, run: Run, tmp_path: Path
) -> None:
    slug = ruling.tenant.slug
    good = written(tmp_path, workflow())
    assert await run("check", good) == (0, [])
    assert await run("check", good, "--tenant", slug) == (0, [])
    document = workflow()
    document["actions"][-1]["to"] = "moon"
    code, rows = await run("check", written(tmp_path, document))
    assert code == 1
    assert [(row["field"], row["code"]) for row in rows] == [
        ("actions.finish.to", "WORKFLOW_NO_STATE")
    ]
    assert "moon" in rows[0]["message"]
    assert rows[0]["next"]
    document["actions"][-1].update({"to": "done", "permission": "street.judge"})
    idle = written(tmp_path, document)
    assert await run("check", idle) == (0, [])
    code, rows = await run("check", idle, "--tenant", slug)
    assert (code, [row["code"] for row in rows]) == (1, ["WORKFLOW_NOBODY"])
    await ruling.fetch("DELETE FROM core.post")
    await ruling.fetch("DELETE FROM core.role")
    code, rows = await run("check", "--tenant", slug)
    assert code == 1
    assert {row["workflow"] for row in rows} == {"guarded", "standard"}
    code, refusal = await run("check")
    assert (code, refusal["error"]["code"]) == (1, "WORKFLOW_ASKED")


async def test_diff_preview_and_activate(ruling: City, run: Run, tmp_path: Path) -> None:
    slug = ruling.tenant.slug
    old, new = written(tmp_path, workflow(), "old.toml"), written(tmp_path, renewed(), "new.toml")
    code, between = await run("diff", old, new)
    assert code == 0
    assert (code, between) == await run("diff", "--tenant", slug, "--file", new)
    told = {(one["what"], one["code"], one["key"]) for one in between}
    assert {("state", "work", ""), ("state", "repair", ""), ("action", "finish", "to")} <= told
    assert await run("diff", old, old) == (0, [])
    stranger = written(tmp_path, workflow(code="stranger"), "stranger.toml")
    before = await whole(ruling)
    code, refusal = await run("diff", "--tenant", slug, "--file", stranger)
    error = refusal["error"]
    assert (code, error["code"], error["field"]) == (1, "WORKFLOW_NAMELESS", "file")
    assert await whole(ruling) == before

    done, event = await working(ruling), await working(ruling)
    await ruling.act("chief", done, "finish")
    before = await whole(ruling)
    code, found = await run("preview", "--tenant", slug, "--file", new, "--last", 5)
    assert code == 0
    assert (found["events"], found["same"]) == (1, 0)
    # It ended with its last step, and under the draft it would have to be approved.
    (different,) = found["different"]
    assert (different["unfinished"], different["refused"]) == (True, [])
    assert await whole(ruling) == before

    words = ("activate", "--tenant", slug, "--file", new)
    code, refusal = await run(*words, "--map", "work=done")
    assert (code, refusal["error"]["code"], refusal["error"]["field"]) == (1, "WORKFLOW_MAP", "map")
    assert await whole(ruling) == before
    code, made = await run(*words, "--map", "work=repair")
    assert code == 0
    assert made == {"workflow": "guarded", "number": 2, "is_new": True, "moved": 1, "staying": 0}
    assert (await ruling.event(event))["state"] == "repair"
    code, refusal = await run(*words)
    assert (code, refusal["error"]["code"]) == (1, "WORKFLOW_UNCHANGED")
