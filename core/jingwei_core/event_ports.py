"""Which room fills which port of events: see :mod:`jingwei_core.events.ports`."""

from functools import cache

from jingwei_core.events.ports import Ports


@cache
def event_ports() -> Ports:
    """The ports as the core's rooms fill them; rooms are imported here and not at import time."""
    from jingwei_core.meetings.joint import TaskOperations
    from jingwei_core.notifications.telling import InboxNotifier
    from jingwei_core.recipients.resolving import PlaceRecipients
    from jingwei_core.routing.reports_up import EventReportsUp
    from jingwei_core.routing.router import PlaceRouter
    from jingwei_core.tasks.port import EventTasks
    from jingwei_core.workforce.certificates import TenantCertificates

    return Ports(
        recipients=PlaceRecipients(),
        notifier=InboxNotifier(),
        tasks=EventTasks(),
        certificates=TenantCertificates(),
        upward_reports=EventReportsUp(),
        router=PlaceRouter(),
        joint_operations=TaskOperations(),
    )
