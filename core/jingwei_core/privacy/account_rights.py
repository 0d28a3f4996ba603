"""What the core holds about an account (账号的个人信息), and what becomes of it when it is erased.

The name in the record of an event's steps, the audit log and proofs of an event stay for as long as
the register of personal information says: they are evidence, and PIPL article 47 lets what a law
keeps be stored. They point to an account that names nobody any more. So do leaves,
shifts and certificates, which say who covered for whom and was entitled to what; reasons and
numbers go.
"""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from jingwei_core.access.tables import Account
from jingwei_core.audit.tables import AuditEntry
from jingwei_core.events.tables import EventStep
from jingwei_core.evidence.tables import Evidence
from jingwei_core.patrols.tables import Patrol, Visit
from jingwei_core.privacy.answering import changed_by, rows_by_topic
from jingwei_core.workforce.tables import Certificate, Leave
from jingwei_sdk.context import Context
from jingwei_sdk.data_rights import ACCOUNT, DataRights

TOPICS: Mapping[str, str] = {
    "account": (
        "SELECT login, name, phone, email, status, created_at FROM core.account WHERE id = $1"
    ),
    "posts": (
        "SELECT r.code AS role, l.name AS place, d.code AS department, p.valid_from, p.valid_to"
        " FROM core.post p JOIN core.role r ON r.id = p.role JOIN core.place l ON l.id = p.place_id"
        " LEFT JOIN core.department d ON d.id = p.department"
        " WHERE p.account = $1 ORDER BY p.valid_from, p.id"
    ),
    "sessions": (
        "SELECT created_at, expires_at, used_at FROM core.refresh_token WHERE account = $1"
        " ORDER BY created_at, id"
    ),
    "reported_events": (
        "SELECT number, title, description, created_at FROM core.event WHERE reporter = $1"
        " ORDER BY created_at, id"
    ),
    "event_duties": (
        "SELECT number, title, created_at, closed_at, array_remove(ARRAY["
        "CASE WHEN assigned_account = $1 THEN 'assigned_account' END,"
        " CASE WHEN first_receiver = $1 THEN 'first_receiver' END,"
        " CASE WHEN found_by = $1 THEN 'found_by' END,"
        " CASE WHEN owned_by = $1 THEN 'owned_by' END,"
        " CASE WHEN solved_by = $1 THEN 'solved_by' END,"
        " CASE WHEN checked_by = $1 THEN 'checked_by' END], NULL) AS duties"
        " FROM core.event WHERE $1 IN"
        " (assigned_account, first_receiver, found_by, owned_by, solved_by, checked_by)"
        " ORDER BY created_at, id"
    ),
    "steps": (
        "SELECT e.number AS event, s.action, s.note, s.actor_name, s.created_at"
        " FROM core.event_step s JOIN core.event e ON e.id = s.event WHERE s.actor = $1"
        " ORDER BY s.created_at, s.id"
    ),
    "steps_by_others": (
        "SELECT e.number AS event, s.action, s.created_at,"
        " CASE WHEN s.acted_for = $1 THEN 'acted_for' ELSE 'assignee' END AS named_as"
        " FROM core.event_step s JOIN core.event e ON e.id = s.event"
        " WHERE $1 IN (s.acted_for, s.assignee) ORDER BY s.created_at, s.id"
    ),
    "tasks": (
        "SELECT e.number AS event, t.title, t.state, t.accepted_at, t.ended_at, t.result, t.reason,"
        " CASE WHEN t.asked_by = $1 THEN t.asked_reason END AS asked_more_time"
        " FROM core.event_task t JOIN core.event e ON e.id = t.event"
        " WHERE $1 IN (t.assignee, t.opened_by, t.asked_by) ORDER BY t.created_at, t.id"
    ),
    "joint_operations": (
        "SELECT e.number AS event, o.title, o.planned_at, o.state"
        " FROM core.joint_operation o JOIN core.event e ON e.id = o.event"
        " WHERE $1 IN (o.lead, o.opened_by) ORDER BY o.created_at, o.id"
    ),
    "reports_up": (
        "SELECT e.number AS event, r.asked_at, r.acknowledged_at, r.note"
        " FROM core.event_report_up r JOIN core.event e ON e.id = r.event"
        " WHERE $1 IN (r.account, r.acknowledged_by) ORDER BY r.asked_at, r.id"
    ),
    "supervisions": (
        "SELECT e.number AS event, s.reason, s.asked_at, s.answer, s.answered_at"
        " FROM core.supervision s JOIN core.event e ON e.id = s.event"
        " WHERE $1 IN (s.supervisor, s.answered_by) ORDER BY s.asked_at, s.id"
    ),
    "extensions": (
        "SELECT e.number AS event, x.reason, x.asked_at, x.state, x.decided_at, x.decision_note"
        " FROM core.deadline_extension x JOIN core.event e ON e.id = x.event"
        " WHERE $1 IN (x.asked_by, x.decided_by) ORDER BY x.asked_at, x.id"
    ),
    "merges": (
        "SELECT e.number AS event, m.reason, m.at"
        " FROM core.event_merge m JOIN core.event e ON e.id = m.event"
        " WHERE m.merged_by = $1 ORDER BY m.at, m.id"
    ),
    "evidence": (
        "SELECT id, content_type, size_bytes, taken_at, lon_e7, lat_e7, created_at"
        " FROM core.evidence WHERE owner = $1 ORDER BY created_at, id"
    ),
    "meetings": (
        "SELECT m.series, m.planned_at, t.expected_as, t.state FROM core.meeting_attendance t"
        " JOIN core.meeting m ON m.id = t.meeting WHERE t.account = $1 ORDER BY m.planned_at, t.id"
    ),
    "meetings_attended_for_others": (
        "SELECT m.series, m.planned_at FROM core.meeting_attendance t"
        " JOIN core.meeting m ON m.id = t.meeting WHERE t.substitute = $1"
        " ORDER BY m.planned_at, t.id"
    ),
    "meetings_held": (
        "SELECT m.series, m.planned_at FROM core.meeting m WHERE m.chair = $1 OR EXISTS"
        " (SELECT FROM core.meeting_attendance t WHERE t.meeting = m.id AND t.noted_by = $1)"
        " ORDER BY m.planned_at, m.id"
    ),
    "meeting_items": (
        "SELECT i.text, i.decision, i.result, i.due_at, i.created_at FROM core.meeting_item i"
        " WHERE $1 IN (i.put_by, i.assigned_account, i.decided_by, i.supervised_by)"
        " ORDER BY i.created_at, i.id"
    ),
    "ledger_sheets": (
        "SELECT ledger, rows, made_at, created_at FROM core.ledger_sheet WHERE account = $1"
        " ORDER BY created_at, id"
    ),
    "leaves": (
        "SELECT kind, begins_at, ends_at, asked_until, reason, state, decided_at, decision_note,"
        " closed_at FROM core.leave WHERE account = $1 ORDER BY begins_at, id"
    ),
    "leaves_covered": (
        "SELECT begins_at, ends_at, state FROM core.leave WHERE substitute = $1"
        " ORDER BY begins_at, id"
    ),
    "leaves_decided": (
        "SELECT decided_at, state, decision_note FROM core.leave WHERE approver = $1"
        " ORDER BY decided_at, id"
    ),
    "secondments": (
        "SELECT l.name AS place, d.code AS department, s.weekdays, s.valid_from, s.valid_to"
        " FROM core.secondment s JOIN core.place l ON l.id = s.place_id"
        " JOIN core.department d ON d.id = s.department"
        " WHERE s.account = $1 ORDER BY s.valid_from, s.id"
    ),
    "certificates": (
        "SELECT kind, number, issuer, valid_from, valid_to, withdrawn_on, withdrawn_because"
        " FROM core.certificate WHERE account = $1 ORDER BY valid_from, id"
    ),
    "duty_shifts": (
        "SELECT duty, begins_at, ends_at, cancelled_at FROM core.duty_shift WHERE account = $1"
        " ORDER BY begins_at, id"
    ),
    "patrols": (
        "SELECT l.name AS place, t.day, t.note FROM core.patrol t"
        " JOIN core.place l ON l.id = t.place_id WHERE t.account = $1 ORDER BY t.day, t.id"
    ),
    "visits": (
        "SELECT l.name AS place, t.day, t.outcome FROM core.visit t"
        " JOIN core.place l ON l.id = t.place_id WHERE t.account = $1 ORDER BY t.day, t.id"
    ),
    "public_reports": (
        "SELECT answer, answered_at FROM core.public_report WHERE answered_by = $1"
        " ORDER BY answered_at, id"
    ),
    "reminders": (
        "SELECT code, day, created_at FROM core.reminder WHERE account = $1 ORDER BY created_at, id"
    ),
    "notifications": (
        "SELECT code, subject_type, created_at, read_at, outward, sent_at FROM core.notification"
        " WHERE account = $1 ORDER BY created_at, id"
    ),
    "notification_settings": (
        "SELECT now_channels, usual_channels, digest_channels, quiet_from, quiet_to, digest_at,"
        " locale FROM core.notification_setting WHERE account = $1"
    ),
    "actions": ("SELECT at, command FROM core.audit_entry WHERE actor_id = $1 ORDER BY sequence"),
}
_ERASURES = (
    "UPDATE core.account SET login = 'erased-' || id, name = '已注销', phone = NULL,"
    " email = NULL,"
    " password_hash = NULL, status = 'suspended', session_epoch = session_epoch + 1,"
    " version = version + 1, updated_at = now() WHERE id = $1 AND login <> 'erased-' || id",
    "UPDATE core.post SET valid_to = greatest(valid_from, now()), version = version + 1,"
    " updated_at = now() WHERE account = $1 AND (valid_to IS NULL OR valid_to > now())",
    # Who stands in for somebody that is gone holds nothing of theirs any more.
    "UPDATE core.post SET valid_to = greatest(valid_from, now()), version = version + 1,"
    " updated_at = now() WHERE (valid_to IS NULL OR valid_to > now())"
    " AND covers IN (SELECT id FROM core.leave WHERE account = $1)",
    "UPDATE core.leave SET ends_at = greatest(begins_at, least(ends_at, now())),"
    " state = CASE WHEN state = 'approved' AND begins_at <= now() THEN 'closed'"
    " ELSE 'cancelled' END, version = version + 1, updated_at = now()"
    " WHERE account = $1 AND state IN ('requested', 'approved')",
    "UPDATE core.leave SET reason = '', decision_note = '', version = version + 1,"
    " updated_at = now() WHERE account = $1 AND (reason <> '' OR decision_note <> '')",
    "UPDATE core.certificate SET number = 'erased-' || id, withdrawn_because = '',"
    " version = version + 1, updated_at = now()"
    " WHERE account = $1 AND number <> 'erased-' || id",
    "DELETE FROM core.refresh_token WHERE account = $1",
    "DELETE FROM core.command_key WHERE account = $1",
    "DELETE FROM core.reminder WHERE account = $1",
    "DELETE FROM core.notification WHERE account = $1",
    "DELETE FROM core.notification_setting WHERE account = $1",
)


async def export_account(ctx: Context, account: UUID) -> Mapping[str, Any]:
    """All that the core's tables say of an account, by topic, as plain values."""
    return await rows_by_topic(ctx, TOPICS, account)


async def erase_account(ctx: Context, account: UUID) -> int:
    """Take the person out of the account and end what it can do; how many rows that changed."""
    return await changed_by(ctx, _ERASURES, account)


_TABLES = (Account, Evidence, EventStep, AuditEntry, Leave, Certificate, Patrol, Visit)
RIGHTS = (DataRights(ACCOUNT, export_account, erase_account, _TABLES),)
