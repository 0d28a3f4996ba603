"""What each notice says to its reader, in both languages; what a letter of several says."""

from collections.abc import Mapping
from uuid import UUID

import pytest

from jingwei_core.catalogue import load_core_texts
from jingwei_core.events.ports import Message
from jingwei_core.notifications.letters import body_of, subject_of
from jingwei_core.notifications.notices import NOTICES
from jingwei_core.notifications.telling import InboxNotifier
from jingwei_core.notifications.texts import texts
from jingwei_core.session import Request, account_context
from jingwei_sdk.errors import Invalid
from jingwei_sdk.messages import Catalogue
from tests.core.notifications.told import Told

SAID = {
    "EVENT_ASSIGNED": (
        "事件 # 已派给您或您的部门办理",
        "Event # has been assigned to you or your department",
    ),
    "EVENT_REASSIGNED": ("事件 # 已改派", "Event # has been given to somebody else"),
    "EVENT_FILED": ("事件 # 已立案", "Event # has been filed"),
    "EVENT_SOLVED": ("事件 # 已解决", "Event # has been solved"),
    "EVENT_CHECKED": ("事件 # 已核查", "Event # has been checked"),
    "EVENT_CLOSED": ("事件 # 已结案", "Event # has been closed"),
    "EVENT_REJECTED": ("事件 # 不予受理", "Event # has not been accepted"),
    "EVENT_CANCELLED": ("事件 # 已作废", "Event # has been cancelled"),
    "EVENT_RETURNED": ("事件 # 被退回，请重新办理", "Event # has been returned for rework"),
    "EVENT_REOPENED": ("事件 # 已重新立案", "Event # has been reopened"),
    "EVENT_SUSPENDED": ("事件 # 已挂起", "Event # has been suspended"),
    "EVENT_RESUMED": ("事件 # 已恢复办理", "Event # goes on"),
    "EVENT_REPORTED_UP": (
        "事件 # 已向您报告，请确认收到",
        "Event # is reported to you: please acknowledge",
    ),
    "EVENT_ESCALATED": ("事件 # 已升级到您处", "Event # has been escalated to you"),
    "EVENT_SUPERVISED": (
        "事件 # 被督办，请按期答复",
        "Event # is under supervision: please answer in time",
    ),
    "EVENT_DUE_SOON": ("事件 # 即将到期", "Event # is due soon"),
    "EVENT_OVERDUE": ("事件 # 已超期", "Event # is overdue"),
    "EVENT_MERGED": ("事件 # 与另一事件合并办理", "Event # is handled together with another one"),
    "EVENT_EXTENDED": ("事件 # 的时限已延长", "The limit of event # has been extended"),
    "EVENT_ALARM": ("突发事件 #，请立即处置", "Emergency #: please act at once"),
    "EVENT_TO_CHECK": ("事件 # 待您核查", "Event # waits for your check"),
    "EVENT_ON_AGENDA": ("事件 # 已列入例会议程", "Event # is on the agenda of the meeting"),
    "TASK_OPENED": (
        "事件 # 有一项任务交给您或您的部门",
        "A task of event # is given to you or your department",
    ),
    "EVENT_TASKS_DONE": (
        "事件 # 的子任务已全部了结，可继续办理",
        "All tasks of event # have ended: it may go on",
    ),
    "TASK_RETURNED": (
        "事件 # 的一项任务被退回，请处理",
        "A task of event # was returned: please decide on it",
    ),
    "TASK_TIME_ASKED": (
        "事件 # 的一项任务申请延期，请处理",
        "More time is asked for a task of event #: please decide on it",
    ),
    "TASK_EXTENDED": ("事件 # 的一项任务已延期", "A task of event # has more time"),
    "TASK_TIME_REFUSED": ("事件 # 的一项任务未获延期", "A task of event # is given no more time"),
    "LEAVE_REQUESTED": ("有一份请假申请等您批准", "A leave waits for your decision"),
    "LEAVE_APPROVED": ("您的请假已批准", "Your leave is approved"),
    "LEAVE_REFUSED": ("您的请假未获批准", "Your leave is not approved"),
    "LEAVE_COVERING": ("您将为请假人员顶岗", "You stand in for somebody on leave"),
    "LEAVE_CHANGED": (
        "一份已批准的请假已撤销或提前结束",
        "An approved leave was taken back or ends earlier",
    ),
    "LEAVE_ANNOUNCED": ("有人员请假，已安排顶岗", "Somebody is on leave, and covered for"),
    "MEETING_PLANNED": (
        "您应参加 2026-11-27 14:30 的例会",
        "You are expected at the meeting of 2026-11-27 14:30",
    ),
}
"""Each notice as it is read in Chinese and in English, ``#`` for the number of the event."""
LETTERS = {
    "NOTIFICATION_DIGEST": ("您有 3 条工作通知", "You have 3 notifications"),
    "NOTIFICATION_MORE": ("另有 2 条，请在平台查看", "2 more are in the platform"),
    "NOTIFICATION_OUT_OF_SIGHT": (
        "一项已不在您查看范围内的事项",
        "A matter that is no longer within your sight",
    ),
}
LOCALES = ("zh", "en")


async def tell(city: Told, who: str, event: UUID, message: str, urgency: str = "usual") -> None:
    params = {"number": (await city.event(event))["number"], "at": "2026-11-27 14:30"}
    about = Message(message, params, ("Event", event), "/1/2/", urgency)
    async with city.context(None) as ctx:
        await InboxNotifier().tell(ctx, (city.people[who],), about)


async def read_by(city: Told, who: str, locale: str) -> Mapping[str, str]:
    """The text of each notification in the inbox, by its code."""
    rows = await city.inbox(who)
    request = Request(locale, "test")
    async with account_context(city.platform, city.tenant, city.identity(who), request) as ctx:
        said = await texts(ctx, rows)
    return {row["code"]: text for row, text in zip(rows, said, strict=True)}


async def test_each_notice_is_read_with_its_number_in_both_languages(city: Told) -> None:
    assert set(SAID) == set(NOTICES)
    event = await city.report()
    number = (await city.event(event))["number"]
    for code in NOTICES:
        await tell(city, "mender", event, code)
        await tell(city, "other-worker", event, code)
    for which, locale in enumerate(LOCALES):
        expected = {code: said[which].replace("#", number) for code, said in SAID.items()}
        assert await read_by(city, "mender", locale) == expected
        hidden = LETTERS["NOTIFICATION_OUT_OF_SIGHT"][which]
        assert await read_by(city, "other-worker", locale) == dict.fromkeys(NOTICES, hidden)


@pytest.mark.parametrize("which", [0, 1], ids=LOCALES)
def test_a_letter_of_several_counts_them_and_what_does_not_fit(which: int) -> None:
    catalogue, locale = Catalogue(), LOCALES[which]
    load_core_texts(catalogue)
    heading, more = LETTERS["NOTIFICATION_DIGEST"][which], LETTERS["NOTIFICATION_MORE"][which]
    lines = ["1" * 30, "2" * 30, "3" * 30]
    assert subject_of(catalogue, lines, locale) == heading
    assert body_of(catalogue, lines, locale, 0) == "\n".join([heading, *lines])
    fitting = "\n".join([heading, lines[0], more])
    assert body_of(catalogue, lines, locale, len(fitting)) == fitting


async def test_an_unknown_urgency_is_refused_and_tells_nobody(city: Told) -> None:
    event = await city.report()
    with pytest.raises(Invalid) as refused:
        await tell(city, "mender", event, "EVENT_ASSIGNED", "at once")
    assert (refused.value.code, refused.value.field) == ("NOTICE_URGENCY", "urgency")
    assert await city.inbox("mender") == []


async def test_a_tenants_own_text_is_read_and_a_language_without_one_keeps_the_notices(
    city: Told,
) -> None:
    await city.rules(texts={"EVENT_ASSIGNED": {"zh": "请尽快处置 {number}：{{加急}}"}})
    event = await city.report()
    number = (await city.event(event))["number"]
    await city.tell("mender", "EVENT_ASSIGNED", event)
    await city.tell("mender", "EVENT_FILED", event)
    assert await city.read("mender") == [f"请尽快处置 {number}：{{加急}}", f"事件 {number} 已立案"]
    async with account_context(
        city.platform, city.tenant, city.identity("mender"), Request("en", "test")
    ) as ctx:
        rows = await ctx.data.fetch("SELECT * FROM core.notification WHERE code = 'EVENT_ASSIGNED'")
        assert await texts(ctx, rows) == [
            f"Event {number} has been assigned to you or your department"
        ]
