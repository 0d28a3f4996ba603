"""The requests of a run: who asks for what, drawn once with a seed and the same for everybody."""

import random
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from jingwei_core.access.tokens import AccessTokens
from jingwei_core.clock import SystemClock
from jingwei_core.session import Identity
from tests.bench.cluster import Cluster

SIZE = 512
SEED = 20_261_122
# Callers by the size of their area, and how a workload mixes them.
LISTERS = {"grid": 0.4, "community": 0.3, "street": 0.2, "city": 0.1}
VIEWERS = {"community": 0.3, "street": 0.7}


@dataclass(frozen=True, slots=True)
class Node:
    """A place of the tree that all tenants share."""

    number: int
    level: str
    path: str


@dataclass(frozen=True, slots=True)
class Sample:
    """One request's caller and what it asks for."""

    tenant: int
    node: Node
    grid: int
    event: uuid.UUID
    kind: uuid.UUID
    workflow: uuid.UUID
    department: uuid.UUID
    kind_code: str

    @property
    def tenant_id(self) -> uuid.UUID:
        """The tenant of the caller."""
        return bench_id(1, self.tenant, 0)

    @property
    def slug(self) -> str:
        """The tenant's name in addresses and headers."""
        return f"bench-{self.tenant}"

    @property
    def account_id(self) -> uuid.UUID:
        """The caller, whose only post is at the node."""
        return bench_id(4, self.tenant, self.node.number)

    @property
    def place_id(self) -> uuid.UUID:
        """The place of the caller's post."""
        return bench_id(3, self.tenant, self.node.number)

    @property
    def grid_id(self) -> uuid.UUID:
        """A grid in the caller's area."""
        return bench_id(3, self.tenant, self.grid)

    @property
    def is_wide(self) -> bool:
        """Whether the newest rows of the tenant soon hold a page of the caller's area."""
        return self.node.level in ("city", "district", "street")

    @property
    def low(self) -> str:
        """Paths in the caller's area are at least this …"""
        return self.node.path

    @property
    def high(self) -> str:
        """… and less than this."""
        return self.node.path[:-1] + "0"


def bench_id(kind: int, tenant: int, number: int) -> uuid.UUID:
    """The id that ``bench.id`` makes in the database."""
    return uuid.UUID(f"01930000-{kind:04x}-7{tenant:03x}-8000-{number:012x}")


class Pool:
    """Samples for each workload, over some of the tenants."""

    def __init__(self, cluster: Cluster, tenants: Sequence[int]) -> None:
        self._cluster = cluster
        self._tenants = list(tenants)
        self._random = random.Random(SEED)
        self._nodes = self._read_nodes()
        self._kinds = self._read_kinds()
        self.samples: dict[str, list[Sample]] = {
            "list": self._areas(LISTERS),
            "dashboard": self._areas(VIEWERS),
            "create": self._areas({"grid": 1.0}),
            "detail": self._details(),
        }

    def tokens(self, samples: Sequence[Sample]) -> list[str]:
        """A signed access token for each sample's caller, good for an hour."""
        return self.tokens_of((s.tenant_id, s.account_id) for s in samples)

    def tokens_of(self, callers: Iterable[tuple[uuid.UUID, uuid.UUID]]) -> list[str]:
        """The same for a tenant and an account of it."""
        settings = self._cluster.settings
        tokens = AccessTokens(settings.secret(), timedelta(seconds=settings.access_token_s))
        now = SystemClock().now()
        return [tokens.issue(tenant, Identity(account, 0), now) for tenant, account in callers]

    def above(self, sample: Sample, level: str) -> Node:
        """The place of a level that the sample's place lies in."""
        found = (n for n in self._nodes.values() if n.level == level)
        return next(node for node in found if sample.node.path.startswith(node.path))

    @property
    def _numbers(self) -> str:
        return ", ".join(str(number) for number in self._tenants)

    def _areas(self, mix: dict[str, float]) -> list[Sample]:
        draw = self._random
        samples = []
        for level in draw.choices(list(mix), list(mix.values()), k=SIZE):
            node = draw.choice([n for n in self._nodes.values() if n.level == level])
            below = [n for n in self._nodes.values() if n.path.startswith(node.path)]
            grid = draw.choice([n for n in below if n.level == "grid"])
            tenant = draw.choice(self._tenants)
            samples.append(self._sample(tenant, node, grid.number, uuid.UUID(int=0)))
        return samples

    def _details(self) -> list[Sample]:
        """Whole events, each asked for by its reporter: photos are seen by who took them."""
        rows = self._cluster.psql(
            *("-F", " ", "-c"),
            "SELECT w.n, w.event, w.grid, a.number FROM bench.whole w"
            " JOIN bench.above a ON a.grid = w.grid AND a.rank = w.rank"
            f" WHERE w.n IN ({self._numbers}) ORDER BY md5(w.event::text) LIMIT {SIZE}",
        )
        samples = []
        for row in rows.splitlines():
            tenant, event, grid, number = row.split()
            node = self._nodes[int(number)]
            samples.append(self._sample(int(tenant), node, int(grid), uuid.UUID(event)))
        return samples

    def _sample(self, tenant: int, node: Node, grid: int, event: uuid.UUID) -> Sample:
        return Sample(tenant, node, grid, event, *self._kinds[tenant])

    def _read_nodes(self) -> dict[int, Node]:
        rows = self._cluster.psql("-F", " ", "-c", "SELECT number, level, path FROM bench.node")
        nodes = (row.split() for row in rows.splitlines())
        return {int(number): Node(int(number), level, path) for number, level, path in nodes}

    def _read_kinds(self) -> dict[int, tuple[uuid.UUID, uuid.UUID, uuid.UUID, str]]:
        """Of each tenant the kind that is reported, its workflow and department, and its code."""
        rows = self._cluster.psql(
            *("-F", " ", "-c"),
            "SELECT n, bench.copy(n, k.kind), bench.copy(n, k.workflow),"
            " bench.copy(n, k.department), e.code"
            f" FROM unnest(ARRAY[{self._numbers}]) n, bench.kind k"
            " JOIN core.event_kind e ON e.id = k.kind WHERE k.number = 3",
        )
        found = (row.split() for row in rows.splitlines())
        return {
            int(n): (uuid.UUID(kind), uuid.UUID(flow), uuid.UUID(department), code)
            for n, kind, flow, department, code in found
        }
