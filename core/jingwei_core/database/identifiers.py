"""Names and texts as SQL: PostgreSQL has no parameters for identifiers and for DDL."""


def quoted(name: str) -> str:
    """An identifier in double quotes."""
    return '"' + name.replace('"', '""') + '"'


def qualified(schema: str, name: str) -> str:
    """A quoted name with its schema."""
    return f"{quoted(schema)}.{quoted(name)}"


def literal(text: str) -> str:
    """A text constant; a backslash needs no care under standard_conforming_strings."""
    return "'" + text.replace("'", "''") + "'"


def column_list(names: tuple[str, ...]) -> str:
    """Quoted names between commas."""
    return ", ".join(quoted(name) for name in names)
