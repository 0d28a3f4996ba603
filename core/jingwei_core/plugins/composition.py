"""Putting a set of plugins together (组合): what it offers, and why some of the set are left out.

A plugin that clashes costs only itself and what requires it; of two, the one that comes later in
the order of the host is off.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import structlog

from jingwei_core.plugins.claims import Claim, claims_of
from jingwei_core.plugins.dependencies import unmet
from jingwei_core.plugins.hearing import heard_of
from jingwei_core.plugins.off import Off, told
from jingwei_core.plugins.registry_checks import Candidate, RegistryCheck
from jingwei_core.registry import Registry, registry_of
from jingwei_core.registry_builder import Parts, RegistryBuilder, clash
from jingwei_sdk.errors import Refused
from jingwei_sdk.hooks import Heard
from jingwei_sdk.manifest import Manifest, Requirement
from jingwei_sdk.plugin import Plugin

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Piece:
    """One package as it is put together with others: what is worked out of it once."""

    plugin: Plugin
    manifest: Manifest | None
    needs: tuple[Requirement, ...]
    claims: tuple[Claim, ...]
    heard: tuple[Heard, ...]

    @classmethod
    def of(
        cls, plugin: Plugin, manifest: Manifest | None, needs: tuple[Requirement, ...] = ()
    ) -> "Piece":
        """The piece of a package; raises what :func:`heard_of` and its declarations raise."""
        return cls(plugin, manifest, needs, claims_of(plugin, manifest), heard_of(plugin))

    @property
    def id(self) -> str:
        """The package's id."""
        return self.plugin.id

    @property
    def version(self) -> str:
        """The package's version; empty where no manifest says it."""
        return self.manifest.version if self.manifest is not None else ""


@dataclass(frozen=True, slots=True)
class Composition:
    """A set of plugins put together: what it offers, and why some of the set are left out."""

    registry: Registry
    off: Mapping[str, Off]


class Composer:
    """Puts sets of plugins together with the core, each in the time of its own plugins."""

    def __init__(self, core: Piece, checks: Sequence[RegistryCheck]) -> None:
        self._core = core
        self._checks = checks
        builder = RegistryBuilder()
        builder.add([(core.plugin, core.claims)], core.heard)
        self._base: Parts = builder.parts

    def against_core(self, piece: Piece) -> Off | None:
        """Why the package cannot be served even alone. What it declares upon those it requires is
        only looked at in a set that has them."""
        if not piece.needs:
            return self.compose([piece]).off.get(piece.id)
        for claim in piece.claims:
            if claim in self._base.owners:
                return Off(piece.id, "clash", str(clash(claim, self._core.id, piece.id)))
        return None

    def compose(self, pieces: Sequence[Piece]) -> Composition:
        """The packages together; they come each after what it requires."""
        off: dict[str, Off] = {}
        while True:
            composition, kept = self._put_together(pieces, off)
            named = {piece.id for piece in kept[1:]}  # a check that names others is not heard
            clashing = {one.plugin: one for one in self._asked(kept) if one.plugin in named}
            if not clashing:
                return composition
            off |= clashing

    def _put_together(
        self, pieces: Sequence[Piece], known: Mapping[str, Off]
    ) -> tuple[Composition, list[Piece]]:
        off = dict(known)
        builder = RegistryBuilder(self._base.copy())
        kept = [self._core]
        versions = {self._core.id: self._core.version}
        for piece in pieces:
            if piece.id not in off:
                fault = _missing(piece, versions) or _added(builder, piece)
                if fault is None:
                    kept.append(piece)
                    versions[piece.id] = piece.version
                else:
                    off[piece.id] = fault
        plugins = [piece.plugin for piece in kept]
        registry = registry_of(plugins, builder.parts, versions)
        return Composition(registry, off), kept

    def _asked(self, kept: Sequence[Piece]) -> Iterable[Off]:
        """What the checks of other rooms object to; the core is never off."""
        candidates = [Candidate(piece.plugin, piece.manifest) for piece in kept]
        for check in self._checks:
            try:
                clashes = list(check(candidates))
            except Exception:  # noqa: BLE001 - a stranger's declaration may raise anything
                yield from _culprits(check, candidates)
                continue
            yield from (Off(clash.plugin, "clash", clash.reason) for clash in clashes)


def _missing(piece: Piece, versions: Mapping[str, str]) -> Off | None:
    reasons = [reason for need in piece.needs if (reason := unmet(need, versions.get(need.id)))]
    return Off(piece.id, "needs", "; ".join(reasons)) if reasons else None


def _added(builder: RegistryBuilder, piece: Piece) -> Off | None:
    try:
        builder.add([(piece.plugin, piece.claims)], piece.heard)
    except Refused as error:
        _log.warning("plugin_left_out", plugin=piece.id, reason=str(error))
        clashes = error.code == "DECLARATION_CLASH"
        return Off(piece.id, "clash" if clashes else "faulty_declaration", str(error))
    except Exception as error:  # noqa: BLE001 - a stranger's declaration may raise anything
        _log.warning("plugin_left_out", plugin=piece.id, error=type(error).__name__)
        return Off(piece.id, "faulty_declaration", told(error))
    return None


def _culprits(check: RegistryCheck, candidates: Sequence[Candidate]) -> Iterable[Off]:
    """Those without which the check would not have failed, found by adding one at a time."""
    sound = list(candidates[:1])
    for candidate in candidates[1:]:
        try:
            list(check([*sound, candidate]))
        except Exception as error:  # noqa: BLE001 - as above
            reason = (
                str(error) if isinstance(error, Refused) else f"{type(error).__name__}: {error}"
            )
            yield Off(candidate.plugin.id, "faulty_declaration", reason)
        else:
            sound.append(candidate)
