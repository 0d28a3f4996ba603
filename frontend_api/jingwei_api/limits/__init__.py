"""Limits (限额): what an operation costs, what a caller may spend, and how a refusal is told.

For each document once: ``in_order``/``shape_of`` before validation, ``compile_cost`` after it. For
each request: :meth:`Gate.admit`, before anything is read or run; what it answers goes into the
response as ``extensions.cost``.
"""
