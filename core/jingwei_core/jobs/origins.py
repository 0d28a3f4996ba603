"""Whose a job is (任务归属): the package that declares it, its version, how many may wait."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from jingwei_core.reminders.jobs import jobs_of
from jingwei_sdk.plugin import Job, Plugin

CORE = "core"


@dataclass(frozen=True, slots=True)
class Origin:
    """The package whose code a job runs. Of one tenant at most ``most_waiting`` jobs of the name
    wait at a time, and ``most_together`` of all names of the package; ``None`` is without a limit.
    """

    plugin: str = CORE
    version: str = ""
    most_waiting: int | None = None
    most_together: int | None = None


class Origins:
    """The origin of each job by name, as the packages of this process declare them.

    ``most_waiting`` is what a plugin's job may have waiting that says nothing itself, and
    ``most_together`` what all jobs of a plugin may, whatever they say.
    """

    def __init__(
        self,
        packages: Iterable[tuple[Plugin, str]] = (),
        most_waiting: int | None = None,
        most_together: int | None = None,
    ) -> None:
        self._origins: dict[str, Origin] = {}
        self._names: dict[str, list[str]] = {}
        for plugin, version in packages:
            together = None if plugin.id == CORE else most_together
            for job in jobs_of(plugin):
                limit = _limit(plugin, job, most_waiting)
                origin = Origin(plugin.id, version, limit, together)
                if self._origins.setdefault(job.name, origin) is origin:
                    self._names.setdefault(plugin.id, []).append(job.name)

    def of(self, job: str) -> Origin:
        """The origin of the job called so; a name that nobody declares is the core's."""
        return self._origins.get(job, _CORES)

    def names(self, plugin: str) -> list[str]:
        """The names of the jobs that a package declares."""
        return self._names.get(plugin, [])


_CORES = Origin()


def headers_of(tenant_id: object, origin: Origin) -> dict[str, str]:
    """What a job of a tenant says of itself in the queue."""
    return {"tenant": str(tenant_id), "plugin": origin.plugin, "plugin_version": origin.version}


def origin_in(headers: Mapping[str, object] | None) -> Origin:
    """The package and version that queued a job; the core's for one that does not say."""
    found = headers or {}
    return Origin(str(found.get("plugin") or CORE), str(found.get("plugin_version") or ""))


def _limit(plugin: Plugin, job: Job, default: int | None) -> int | None:
    if job.most_waiting is not None:
        return job.most_waiting
    return None if plugin.id == CORE else default
