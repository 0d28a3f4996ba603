"""``jingwei access``: who may do what, and why."""

from datetime import datetime, time
from typing import Annotated, Any

import typer

from jingwei_core.access.explaining import AccessAnswer, Asked, explain_access
from jingwei_core.access.passwords import generate_password
from jingwei_core.access.policy import Enforcers, PostRow
from jingwei_core.access.tables import Role
from jingwei_core.cli.output import Json, say, say_rows, with_platform
from jingwei_core.commands.bus import Call, run
from jingwei_core.places.tables import Place
from jingwei_core.platform import Platform
from jingwei_core.session import system_context
from jingwei_sdk.errors import NotFound

app = typer.Typer(no_args_is_help=True, help="权限 · Accounts, and what they may do where.")

Slug = Annotated[str, typer.Argument(help="The tenant's slug, for example yichang.")]
Login = Annotated[str, typer.Argument(help="The account's login.")]
Generate = Annotated[bool, typer.Option("--generate", help="Make a password and print it once.")]

_ACCOUNTS = """
SELECT a.login, a.name, a.status,
       CASE WHEN a.locked_until > now() THEN a.locked_until END AS locked_until,
       coalesce(string_agg(r.code || ' @ ' || l.name, ', ' ORDER BY p.is_primary DESC, r.code)
           FILTER (WHERE p.valid_from <= now() AND (p.valid_to IS NULL OR p.valid_to > now())), '')
           AS posts_now
  FROM core.account a
  LEFT JOIN core.post p ON p.tenant_id = a.tenant_id AND p.account = a.id
  LEFT JOIN core.role r ON r.tenant_id = p.tenant_id AND r.id = p.role
  LEFT JOIN core.place l ON l.tenant_id = p.tenant_id AND l.id = p.place_id
 GROUP BY a.id, a.login, a.name, a.status, a.locked_until
 ORDER BY a.login
"""


@app.command()
def explain(
    slug: Slug,
    login: Login,
    permission: Annotated[str, typer.Argument(help="For example event.file.")],
    *,
    at: Annotated[
        str | None, typer.Option("--at", help="Code of the place; left out: anywhere.")
    ] = None,
    as_json: Json = False,
) -> None:
    """权限解释 · Say which post allows it, or which ones come near; exit code 1 when denied."""

    async def ask(platform: Platform) -> AccessAnswer:
        state = await platform.state(slug)
        asked = Asked(login, permission, at, platform.clock.now())
        async with platform.database.unit(state.tenant.id) as unit:
            return await explain_access(unit, state.tenant.id, asked, Enforcers())

    answer = with_platform(ask)
    say(as_json, _told(answer), *_lines(answer, permission, at))
    if not answer.explanation.allowed:
        raise typer.Exit(1)


@app.command()
def accounts(slug: Slug, *, as_json: Json = False) -> None:
    """账号清单 · Every account of a tenant with the posts it holds now."""

    async def read(platform: Platform) -> list[dict[str, Any]]:
        state = await platform.state(slug)
        async with platform.database.unit(state.tenant.id) as unit:
            return [dict(row) for row in await unit.fetch(_ACCOUNTS)]

    say_rows(as_json, with_platform(read), "没有账号。No accounts yet.")


@app.command()
def create(
    slug: Slug,
    login: Login,
    *,
    name: Annotated[str, typer.Option("--name", help="How the person is called.")],
    role: Annotated[str, typer.Option("--role", help="Code of the role, as tenant_admin.")],
    place: Annotated[str, typer.Option("--at", help="Code of the place of the post.")],
    since: Annotated[
        datetime | None,
        typer.Option("--since", formats=["%Y-%m-%d"], help="First day of the post; today."),
    ] = None,
    generate: Generate = False,
    as_json: Json = False,
) -> None:
    """新建账号 · An account with its first post; asks for the password unless --generate."""
    password = generate_password() if generate else _asked_password()
    new = {"login": login, "name": name, "password": password}
    with_platform(lambda platform: _make(platform, slug, new, (role, place, since)))
    done = "账号已建立。The account and its post are there."
    _say_done(as_json, login, done, password if generate else None)


@app.command("set-password")
def set_password(
    slug: Slug,
    login: Login,
    *,
    generate: Generate = False,
    as_json: Json = False,
) -> None:
    """重置口令 · Set a password, lift a lock and end every session; asks unless --generate."""
    password = generate_password() if generate else _asked_password()

    async def change(platform: Platform) -> None:
        state = await platform.state(slug)
        async with system_context(platform, state.tenant, "cli:access.set-password") as ctx:
            account_id = await ctx.data.fetchval(
                "SELECT id FROM core.account WHERE login = $1", login.strip().lower()
            )
            if account_id is None:
                raise NotFound("LOGIN_UNKNOWN", login=login)
            command = ctx.registry.commands["account.set-password"]
            await run(ctx, Call(command, {"password": password}, account_id))

    with_platform(change)
    done = "口令已更新。The password is set; all sessions ended."
    _say_done(as_json, login, done, password if generate else None)


async def _make(
    platform: Platform, slug: str, new: dict[str, str], given: tuple[str, str, datetime | None]
) -> None:
    """Create the account and grant its post, in one transaction."""
    role, place, since = given
    state = await platform.state(slug)
    async with system_context(platform, state.tenant, "cli:access.create") as ctx:
        roles, places = await ctx.data.find(Role, code=role), await ctx.data.find(Place, code=place)
        if not (roles and places):
            raise NotFound("POST_UNKNOWN", role=role, place=place)
        commands, zone = ctx.registry.commands, state.tenant.timezone
        made = await run(ctx, Call(commands["account.create"], new))
        post = {
            "account_id": made.row_id,
            "role_id": roles[0].id,
            "place_id": places[0].id,
            "is_primary": True,
            "valid_from": since and datetime.combine(since.date(), time(), tzinfo=zone),
        }
        await run(ctx, Call(commands["post.grant"], post))


def _say_done(as_json: bool, login: str, done: str, generated: str | None) -> None:
    """Print the generated password, which is shown nowhere else, or that it is ``done``."""
    if generated is None:
        say(as_json, {"login": login}, done)
    else:
        say(as_json, {"login": login, "password": generated}, generated)


def _asked_password() -> str:
    typed: str = typer.prompt("口令 Password", hide_input=True, confirmation_prompt=True)
    return typed


def _told(answer: AccessAnswer) -> dict[str, Any]:
    explanation = answer.explanation
    return {
        "login": answer.login,
        "allowed": explanation.allowed,
        "status": answer.status,
        "place_path": answer.place_path,
        "policy": list(explanation.policy[1:]),
        "reasons": [_post(answer, r.post) | {"grant": r.grant} for r in explanation.reasons],
        "near": [
            _post(answer, n.post) | {"grant": n.grant, "obstacle": n.obstacle}
            for n in explanation.near
        ],
    }


def _post(answer: AccessAnswer, post: PostRow) -> dict[str, Any]:
    return {
        "role": post.role,
        "place": answer.place_names.get(post.path, post.path),
        "valid_from": post.valid_from.isoformat(),
        "valid_to": post.valid_to.isoformat() if post.valid_to else None,
    }


def _lines(answer: AccessAnswer, permission: str, at: str | None) -> list[str]:
    explanation = answer.explanation
    verdict = "允许 allowed" if explanation.allowed else "拒绝 denied"
    place = answer.place_names.get(answer.place_path or "", "") or "任何地点 anywhere"
    lines = [f"{verdict}: {answer.login} {permission} @ {place} {at or ''}".rstrip()]
    lines += [f"  ✓ {_post_line(answer, r.post)} → {r.grant}" for r in explanation.reasons]
    for near in explanation.near:
        why = "不在该地点 not at this place" if near.obstacle == "place" else "不在任期 not in time"
        lines.append(f"  ✗ {_post_line(answer, near.post)} → {near.grant}: {why}")
    if answer.suspended:
        lines.append("  ✗ 账号已停用 the account is suspended")
    elif not explanation.reasons and not explanation.near:
        lines.append("  ✗ 没有岗位给予该权限 no post gives this permission")
    return lines


def _post_line(answer: AccessAnswer, post: PostRow) -> str:
    end = post.valid_to.date().isoformat() if post.valid_to else "…"
    place = answer.place_names.get(post.path, post.path)
    return f"{post.role} @ {place} [{post.valid_from.date().isoformat()}, {end})"
