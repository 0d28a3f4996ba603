"""Finding a place by a part of its name (地名检索), in milliseconds on a tree of any size.

A place is found by a part of its name, or by the beginning of its pinyin, its initials or its
code. Two ways lead there. Few matches are fetched through ``core.place_term``, whose terms are the
ends of all names. Many matches are met soon by walking the tree in the asked order. Which way is
taken is decided in the statement, by counting terms up to :data:`FEW`; the answer is the same.
"""

FEW = 400
"""Terms up to which fetching beats walking; measured on the national tree, where they meet at about
four milliseconds."""

COMMON_ENDINGS = (
    "社区居民委员会",
    "社区居委会",
    "居民委员会",
    "村民委员会",
    "村委会",
    "居委会",
    "社区",
    "街道办事处",
    "街道",
)
"""What half of all names end in; ``core.place_terms`` makes no term that begins inside of it."""

_LAST = "\U0010ffff"
_RANGE = "m.term >= {low} AND m.term < {high}"


class PlaceFinder:
    """The finder of places (``jingwei_sdk.records.Finder``)."""

    def bounds(self, text: str) -> tuple[str, str, bool]:
        """The first and the last term that a text can begin, and whether it must be looked for by
        walking: what lies inside a common ending has no term, and a space belongs to no word."""
        needle = text.strip().lower()
        is_common = " " in needle or any(needle in ending for ending in COMMON_ENDINGS)
        return needle, needle + _LAST, is_common

    def is_few(self, low: str, high: str, common: str) -> str:
        """The SQL condition that fetching is the better way; the arguments are placeholders."""
        found = f"SELECT 1 FROM core.place_term m WHERE {_RANGE} LIMIT {FEW}"
        counted = f"(SELECT count(*) FROM ({found.format(low=low, high=high)}) AS few)"
        return f"(NOT {common}::boolean AND {counted} < {FEW})"

    def fetched(self, low: str, high: str, alias: str) -> str:
        """The SQL condition of the matches, where they are few: both parts reach an index."""
        names = f"SELECT m.name FROM core.place_term m WHERE {_RANGE} LIMIT {FEW}"
        return (
            f"({alias}.name = ANY (ARRAY({names.format(low=low, high=high)}))"
            f" OR ({alias}.code >= {low} AND {alias}.code < {high} AND {alias}.code ^@ {low}))"
        )

    def met(self, low: str, alias: str) -> str:
        """The SQL condition of a match, row by row."""
        # The search text begins with the name: one look leaves most rows out before closer ones.
        return (
            f"(strpos({alias}.search_text, {low}) > 0 AND (strpos(lower({alias}.name), {low}) > 0"
            f" OR strpos(' ' || {alias}.search_text, ' ' || {low}) > 0))"
        )


PLACES = PlaceFinder()


def find_statement(limit: int) -> str:
    """The statement of the first ``limit`` places that match, in the order of the tree; its
    arguments are those of :meth:`PlaceFinder.bounds`."""
    few = PLACES.is_few("$1::text", "$2::text", "$3")
    place = "SELECT t.* FROM core.place t WHERE"
    return (
        "SELECT code, name, level, path, valid_to FROM ("
        f"({place} {few} AND {PLACES.fetched('$1', '$2', 't')}) UNION ALL"
        f" ({place} NOT {few} AND {PLACES.met('$1', 't')} ORDER BY t.path LIMIT {limit})"
        f") AS found ORDER BY path LIMIT {limit}"
    )
