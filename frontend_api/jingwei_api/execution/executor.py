"""The executor (执行器): documents in, answers with told errors out."""

from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from functools import partial
from typing import Any

from graphql import GraphQLError, GraphQLSchema, OperationType

from jingwei_api.execution.errors import ErrorTexts
from jingwei_api.execution.operation import Caller, Document, Runtime
from jingwei_api.limits.gate import Admitted, Standing, TooMuch
from jingwei_api.planning.admission import Admission, Entered, standing_of
from jingwei_api.planning.answers import Answer, Body, answered, refused
from jingwei_api.planning.documents import Documents
from jingwei_api.planning.mutating import Mutations
from jingwei_api.planning.plans import Question
from jingwei_api.planning.queries import Queries
from jingwei_api.planning.reads import Read, Reads
from jingwei_api.planning.streaming import Streams, watch_of
from jingwei_api.planning.variables import VariablesRefused
from jingwei_api.schema.kept import SchemaCache
from jingwei_api.settings import ApiSettings
from jingwei_core.registry import Registry
from jingwei_sdk.errors import Invalid, JingweiError, RateLimited, Unauthenticated


class _Told(Exception):
    """The operation does not run; ``errors`` says why, ``figures`` how large it is."""

    def __init__(self, errors: Sequence[GraphQLError], figures: Admitted | None = None) -> None:
        super().__init__(len(errors))
        self.errors = list(errors)
        self.figures = figures


class Executor:
    """Runs documents for the tenants of one process."""

    def __init__(self, runtime: Runtime, settings: ApiSettings, texts: ErrorTexts) -> None:
        self._runtime = runtime
        self._platform = runtime.platform
        self._schemas = SchemaCache(settings.schema_cache_size, self._everything, self._forget)
        self._texts = texts
        self._admission = Admission(settings)
        self.documents = Documents(settings)
        self.reads = Reads(runtime.platform)
        self._queries = Queries(self.reads)
        self._mutations = Mutations(runtime, self.reads)
        self._streams = Streams(self.reads, runtime.feed)

    async def run(self, caller: Caller, document: Document) -> Answer:
        """The answer to a query or mutation."""
        try:
            registry, entered = await self._prepare(caller, document)
            if entered.question.operation.type is OperationType.SUBSCRIPTION:
                raise Invalid("SUBSCRIPTION_NEEDS_WEBSOCKET")
            return await self._run(caller, registry, entered)
        except _Told as told:
            return self._refuse(caller, told)
        except RateLimited:
            raise  # the request as a whole is refused, and told when to come back
        except JingweiError as error:
            return refused(self._tell(caller, [_whole(error)]))

    async def stream(self, caller: Caller, document: Document) -> AsyncIterator[Answer]:
        """The answers to a subscription, or the one to a query or mutation.

        No transaction is open while the consumer holds an answer.
        """
        try:
            registry, entered = await self._prepare(caller, document)
            question = entered.question
            if question.operation.type is not OperationType.SUBSCRIPTION:
                yield await self._run(caller, registry, entered)
                return
            watch = watch_of(registry, question)
        except _Told as told:
            yield self._refuse(caller, told)
            return
        except JingweiError as error:
            yield refused(self._tell(caller, [_whole(error)]))
            return
        changes: Any = self._streams.changes(caller, registry, question, watch)
        try:
            async with aclosing(changes):
                async for read in changes:
                    yield self._answer(caller, read, entered.admitted)
        except JingweiError as error:
            yield answered(b"null", self._tell(caller, [_whole(error)]))

    async def schema(self, registry: Registry) -> GraphQLSchema:
        """The schema of a registry."""
        return await self._schemas.schema(registry)

    async def make_whole(self) -> None:
        """Make the schema that those of all sets are taken out of, unless it is there."""
        await self._schemas.whole()

    async def _run(self, caller: Caller, registry: Registry, entered: Entered) -> Answer:
        question, mind = entered.question, entered.holds_for
        is_query = question.operation.type is OperationType.QUERY
        run = self._queries.run if is_query else self._mutations.run
        try:
            read = await run(caller, registry, question, mind)
        except TooMuch as refusal:
            raise _Told(refusal.errors, refusal.figures) from refusal
        return self._answer(caller, read, entered.admitted)

    async def _prepare(self, caller: Caller, document: Document) -> tuple[Registry, Entered]:
        if caller.ends_at is not None and caller.ends_at <= self._platform.clock.now():
            raise Unauthenticated("TOKEN_EXPIRED")  # a connection outlived its token
        state = await self._platform.tenant_by_id(caller.tenant.id)
        state.require_active()
        registry = self._platform.host.registry(state.enabled)
        schema = self._schemas.built(registry) or await self._schemas.schema(registry)
        access = await self.reads.access(caller)
        asked = (registry, schema, document)
        try:
            return registry, self._enter(asked, standing_of(caller, state, access))
        except TooMuch as refusal:
            now = await self.reads.current(caller, access)
            if now.limits == access.limits:
                raise _Told(refusal.errors, refusal.figures) from refusal
        try:
            return registry, self._enter(asked, standing_of(caller, state, now))
        except TooMuch as refusal:
            raise _Told(refusal.errors, refusal.figures) from refusal

    def _enter(
        self, asked: tuple[Registry, GraphQLSchema, Document], standing: Standing
    ) -> Entered:
        """Prepare a document and charge it to its caller; raises :class:`_Told`, and what
        ``Admission`` raises."""
        registry, schema, document = asked
        admit = partial(self._admission.admit_document, standing=standing)
        prepared = self.documents.prepared(registry.fingerprint, schema, document.query, admit)
        if prepared.errors:
            raise _Told(prepared.errors)
        operation = prepared.operation(document.operation_name)
        try:
            question = Question.of(operation, document.variables or {})
        except VariablesRefused as refusal:
            raise _Told(refusal.errors) from refusal
        return self._admission.admit(registry, question, standing)

    def _everything(self) -> Registry:
        """What all plugins declare that can be served together."""
        host = self._platform.host
        known = [found.id for found in host.installed() if found.state == "available"]
        return host.registry(frozenset(known))

    def _forget(self, fingerprint: str) -> None:
        """Let go of what was worked out for a schema that is gone."""
        self._admission.forget(fingerprint)
        index = self.documents.forget(fingerprint)
        if index is not None:
            self._queries.forget(index)

    def _answer(self, caller: Caller, read: Read, admitted: Admitted) -> Answer:
        errors = self._tell(caller, read.errors) if read.errors else ()
        return answered(read.data, errors, admitted.as_bytes())

    def _refuse(self, caller: Caller, told: _Told) -> Answer:
        figures = told.figures.as_bytes() if told.figures is not None else b""
        return refused(self._tell(caller, told.errors), figures)

    def _tell(self, caller: Caller, errors: Sequence[GraphQLError]) -> list[Body]:
        request = caller.request
        return self._texts.graphql(errors, request.locale, request.request_id)


def _whole(error: JingweiError) -> GraphQLError:
    """An error of the operation as a whole."""
    return GraphQLError(error.code, original_error=error)
