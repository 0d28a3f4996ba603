"""A city under the loop of eight steps: reports, photos, assignments, a notification, an upload."""

import hashlib
import uuid
from datetime import timedelta
from typing import Any

from jingwei_core.evidence.keys import Area, object_key
from jingwei_core.platform import Platform
from tests.core.events.city import City, build_city
from tests.core.evidence.pictures import jpeg
from tests.faults.site import Act, Caller

_TOLD = """
INSERT INTO core.notification (account, code, params, subject_type, subject_id)
VALUES ($1, 'EVENT_ASSIGNED', '{}', 'Event', $2) RETURNING id
"""


async def city_acts(platform: Platform, workers: Any) -> list[Act]:
    """Acts that need an event on its way."""
    city = await build_city(platform)
    await city.fetch(
        "UPDATE core.role SET permissions = permissions ||"
        " '{evidence.upload,evidence.read,notification.read}'"
    )

    def who(login: str) -> Caller:
        at = platform.clock.now()
        return Caller(city.tenant.id, city.people[login], at, workers, every_point=True)

    dispatched = await _dispatched(city)
    photo = {"id": str(await city.photo("mender")), "phase": "after"}
    before = {"id": str(await city.photo("worker")), "phase": "before"}
    leak = {"kind": "city.water.leak", "title": "漏水", "evidence": [before]}
    told: uuid.UUID = await city.value(_TOLD, city.people["mender"], dispatched)
    mender = who("mender")
    return [
        who("chief").act("event.assign", dispatched, assignee=city.people["mender"]),
        mender.act(
            "event.act",
            await _dispatched(city),
            "with a photo",
            action="handle",
            note="已修复",
            evidence=[photo],
        ),
        who("worker").act(
            "event.report",
            None,
            "with a photo",
            position={"lon": 111.295, "lat": 30.695, "crs": "EPSG:4490"},
            **leak,
        ),
        mender.act("notification.read", told),
        mender.act("evidence.commit", await _uploaded(city, platform)),
    ]


async def _dispatched(city: City) -> uuid.UUID:
    event = await city.report()
    await city.act("chief", event, "file")
    await city.act("chief", event, "verify", note="属实")
    await city.act("centre", event, "dispatch", department_code="roads")
    return event


async def _uploaded(city: City, platform: Platform) -> uuid.UUID:
    """What is announced and uploaded, and no evidence yet."""
    picture = jpeg()
    digest = hashlib.sha256(picture).hexdigest()
    row_id = uuid.uuid4()
    key = object_key(city.tenant.id, Area.STAGED, str(row_id))
    await platform.store.put(key, picture, content_type="image/jpeg", sha256=digest)
    await city.fetch(
        "INSERT INTO core.evidence (id, owner, store_key, status, content_type, size_bytes, sha256,"
        " expires_at) VALUES ($1, $2, $3, 'pending', 'image/jpeg', $4, $5, $6)",
        row_id,
        city.people["mender"],
        key,
        len(picture),
        digest,
        platform.clock.now() + timedelta(hours=1),
    )
    return row_id
