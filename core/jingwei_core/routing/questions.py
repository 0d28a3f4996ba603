"""Questions of routing (分流提问): which reports wait for me."""

from jingwei_core.routing.records import REPORT_UP
from jingwei_core.routing.reports_up import SUPERVISE
from jingwei_sdk.narrowing import AnyOf, Asker, IsNull, Narrowed, OneOf, Under
from jingwei_sdk.questions import Question


def reports_waiting(asker: Asker) -> Narrowed:
    """The reports that nobody has acknowledged yet: those to the asker or to whom the asker covers,
    and those to nobody where the asker supervises events."""
    unheard = IsNull("acknowledged_at")
    supervised = Under("place_path", tuple(asker.permissions.paths(SUPERVISE)))
    mine = (unheard, OneOf("account", asker.actor.desks))
    return Narrowed((AnyOf((mine, (unheard, IsNull("account"), supervised))),))


QUESTIONS = (
    Question(
        "reports_waiting",
        REPORT_UP,
        narrow=reports_waiting,
        is_page=True,
        signed_in=True,
        cost=2,
        description="Reports upward that wait for my acknowledgement (待我确认的报告).",
    ),
)
