"""A plugin that only these tests have: the book in which a ward notes calls on residents."""
