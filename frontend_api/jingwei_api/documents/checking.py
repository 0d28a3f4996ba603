"""Checking documents (检查文档) against the schema of an enabled set, before they are deployed."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from graphql import (
    DocumentNode,
    parse,
    validate,
)

from jingwei_api.documents.manifests import Trusted, read_documents
from jingwei_api.limits.ceilings import Ceiling
from jingwei_api.limits.cost import Cost, compile_cost
from jingwei_api.limits.gate import exceeded
from jingwei_api.limits.merging import MOST_ERRORS, RULES
from jingwei_api.limits.weights import Weights
from jingwei_api.planning.splitting import split
from jingwei_api.schema.builder import lean_schema
from jingwei_core.contribution import core_contribution
from jingwei_core.plugins.host import discover
from jingwei_core.registry import build_registry
from jingwei_sdk.errors import Invalid


@dataclass(frozen=True, slots=True)
class Checked:
    """What was found of one operation; ``cost`` is that of the costliest variables, ``usual``
    that of none."""

    document: Trusted
    operation: str
    usual: Cost | None
    cost: Cost | None
    problems: tuple[str, ...]


def check_documents(
    path: Path, ceiling: Ceiling, plugins: Collection[str] | None = None
) -> Iterator[Checked]:
    """Check every operation below ``path``; ``plugins`` are those enabled, ``None`` is all.

    Raises ``Refused`` for what cannot be read, ``Invalid`` (``PLUGIN_UNKNOWN``).
    """
    weights = _weights(plugins)
    for document in read_documents(path):
        parsed = parse(document.text)
        # By the rules that the server keeps, so that both say the same of a document.
        found = validate(weights.schema, parsed, RULES, max_errors=MOST_ERRORS)
        errors = tuple(error.message for error in found)
        if errors:
            yield Checked(document, "", None, None, errors)
            continue
        yield from _operations(document, parsed, weights, ceiling)


def _operations(
    document: Trusted, parsed: DocumentNode, weights: Weights, ceiling: Ceiling
) -> Iterator[Checked]:
    parts = split(parsed)
    for node in parts.operations:
        measured = compile_cost(weights, node, parts.fragments)
        usual, worst = measured({}), measured.worst()
        # What its usual variables allow runs; what only the worst exceed is told, not refused.
        problems = tuple(
            f"{error.message} {error.extensions['figure']} > {error.extensions['limit']}"
            for error in exceeded(usual, ceiling)
            if error.extensions
        )
        yield Checked(document, node.name.value if node.name else "", usual, worst, problems)


def _weights(plugins: Collection[str] | None) -> Weights:
    found = {one.plugin.id: one.plugin for one in discover() if one.plugin is not None}
    chosen = found if plugins is None else plugins
    for name in chosen:
        if name not in found:
            raise Invalid("PLUGIN_UNKNOWN", plugin=name)
    registry = build_registry([core_contribution(), *(found[name] for name in chosen)])
    return Weights(lean_schema(registry), registry)
