"""The mutation by which a device sends what it did offline (离线批次)."""

from jingwei_api.schema.inputs import Structs
from jingwei_api.schema.meanings import BatchField, PayloadValue
from jingwei_api.schema.types import Argument, Field, TypeSpace
from jingwei_core.offline.batch import OfflineAnswer, OfflineBatch

OWNER = "core"
_TEXT = (
    "What a device did offline, done now: each action is a mutation of its own, in the order given,"
    " and has its own outcome."
)


def batch_field(space: TypeSpace, structs: Structs) -> Field:
    """The field ``offlineBatch`` of ``Mutation``."""
    given = structs.input_type(OfflineBatch, "OfflineBatchInput", OWNER)
    answer = structs.output_type(OfflineAnswer, OfflineAnswer.__name__, OWNER)
    result = Field("result", answer, None, meaning=PayloadValue())
    space.object("OfflineBatchPayload", [result], owner=OWNER, description="Answer of a batch.")
    return Field(
        "offline_batch",
        "OfflineBatchPayload | None",
        _TEXT,
        (Argument("input", given),),
        OWNER,
        graphql_name="offlineBatch",
        meaning=BatchField(),
    )
