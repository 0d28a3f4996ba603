"""Which text a request means (受信文档): its own, or that of a document it names by digest."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from jingwei_api.documents.manifests import Trusted, digest, read_documents
from jingwei_api.settings import ApiSettings
from jingwei_sdk.errors import Invalid, Refused

_ID = re.compile(r"(?:sha256:)?([0-9a-fA-F]{64})")


class UnknownToApollo(Invalid):
    """A digest in Apollo's form that names nothing; its clients know ``told`` by heart."""

    def __init__(self, told: str) -> None:
        super().__init__("DOCUMENT_UNKNOWN", field="extensions.persistedQuery.sha256Hash")
        self.told = told


class TrustedDocuments:
    """The documents of one deployment; with ``only`` no other one is taken."""

    def __init__(self, documents: Iterable[Trusted] = (), *, only: bool = False) -> None:
        self._texts = {one.id: one.text for one in documents}
        self._known = frozenset(self._texts.values())
        self._only = only

    def text(
        self, query: str | None, document_id: str | None, extensions: Mapping[str, Any] | None
    ) -> str:
        """The text to run.

        Raises ``Invalid``: ``GRAPHQL_REQUEST`` (neither text nor id), ``DOCUMENT_UNKNOWN``,
        ``DOCUMENT_HASH`` (a text that does not fit its digest), ``DOCUMENT_NOT_TRUSTED``.
        """
        apollo = _apollo_hash(extensions)
        if query:
            self._check_text(query, apollo or document_id)
            return query
        if document_id is not None:
            found = self._named(document_id)
            if found is None:
                raise Invalid("DOCUMENT_UNKNOWN", field="documentId")
            return found
        if apollo is None:
            raise Invalid("GRAPHQL_REQUEST", field="query", cause="query")
        found = self._named(apollo)
        if found is None:
            has_any = bool(self._texts) or self._only
            raise UnknownToApollo(
                "PersistedQueryNotFound" if has_any else "PersistedQueryNotSupported"
            )
        return found

    def _named(self, document_id: str) -> str | None:
        match = _ID.fullmatch(document_id)
        return self._texts.get(match[1].lower()) if match else None

    def _check_text(self, query: str, stated: str | None) -> None:
        if self._only and query not in self._known:
            raise Invalid("DOCUMENT_NOT_TRUSTED", field="query")
        if stated is not None:
            match = _ID.fullmatch(stated)
            if match is None or match[1].lower() != digest(query):
                raise Invalid("DOCUMENT_HASH", field="query")


def open_documents(settings: ApiSettings) -> TrustedDocuments:
    """The documents that the settings name.

    Raises ``Refused``: what :func:`read_documents` raises, and ``TRUSTED_MISSING`` when only such
    documents are taken and there are none.
    """
    path = settings.trusted_documents
    found = list(read_documents(path)) if path is not None else []
    if settings.trusted_only and not found:
        raise Refused("TRUSTED_MISSING")
    return TrustedDocuments(found, only=settings.trusted_only)


def _apollo_hash(extensions: Mapping[str, Any] | None) -> str | None:
    asked = extensions.get("persistedQuery") if extensions else None
    found = asked.get("sha256Hash") if isinstance(asked, Mapping) else None
    return found if isinstance(found, str) else None
