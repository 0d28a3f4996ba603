"""Joint operations that meetings decide on (联合执法), opened as the room of tasks opens them."""

import uuid

from jingwei_core.events.ports import JointOrder
from jingwei_core.events.tables import Event
from jingwei_core.tasks.inputs import OperationUnit, PlanOperation, TaskLimit
from jingwei_core.tasks.operation_commands import plan_operation
from jingwei_sdk.context import Context


class TaskOperations:
    """The port :class:`jingwei_core.events.ports.JointOperations` over tasks of events."""

    async def open(self, ctx: Context, event: Event, order: JointOrder) -> uuid.UUID:
        """Open the operation with a task for each department; raises as ``plan_operation`` does."""
        limit = TaskLimit(order.limit.amount, order.limit.unit, order.limit.warn_at_percent)
        given = PlanOperation(
            title=order.title,
            lead=order.lead,
            lead_department=order.lead_department,
            planned_at=order.planned_at,
            certificate_kind=order.certificate_kind,
            units=tuple(OperationUnit(limit, department) for department in order.departments),
        )
        operation = await plan_operation(ctx, event, given, order.decided_by)
        found: uuid.UUID = operation.id
        return found
