"""Limits (限额): what an operation costs, what a caller may spend, and how a refusal is told."""
