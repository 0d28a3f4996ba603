"""Finding a place by a part of its name (地名检索), in milliseconds on a tree of any size.

A place is found by a part of its name, or by the beginning of its pinyin, its initials or its
code. Two ways lead there. Few matches are fetched through ``core.place_term``, whose terms are the
ends of all names. Many matches are met soon by walking the tree in the asked order. Which way is
taken is decided in the statement, by counting terms up to :data:`FEW`; the answer is the same.
"""

FEW = 1_500
"""Terms up to which fetching beats walking; measured on the national tree, where they meet at three
milliseconds. Names that are common in one corner only are long to walk to: better too many."""

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
        # Both parts are asked of the indexes alone. With a condition more inside of either, each
        # row is compared with all the names once again; what a collation lets into the range of
        # codes beside them is left out by the search text, which holds the code.
        return (
            f"(({alias}.name = ANY (ARRAY({names.format(low=low, high=high)}))"
            f" OR ({alias}.code >= {low} AND {alias}.code < {high}))"
            f" AND strpos({alias}.search_text, {low}) > 0)"
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
    names = f"SELECT m.name FROM core.place_term m WHERE {_RANGE.format(low='$1', high='$2')}"
    # Where the matches stand is read from indexes; of the places, only the first are looked at.
    found = (
        f"SELECT n.path FROM core.place n WHERE n.name = ANY (ARRAY({names} LIMIT {FEW})) UNION"
        " SELECT c.path FROM core.place c WHERE c.code >= $1 AND c.code < $2 AND c.code ^@ $1"
    )
    place = "SELECT t.* FROM core.place t WHERE"
    return (
        f"WITH way AS MATERIALIZED (SELECT {few} AS few)"
        " SELECT code, name, level, path, valid_to FROM ("
        f"({place} (SELECT few FROM way) AND t.path = ANY (ARRAY("
        f"SELECT f.path FROM ({found}) f ORDER BY f.path LIMIT {limit}))) UNION ALL"
        f" ({place} NOT (SELECT few FROM way) AND {PLACES.met('$1', 't')}"
        f" ORDER BY t.path LIMIT {limit})) AS found ORDER BY path LIMIT {limit}"
    )
