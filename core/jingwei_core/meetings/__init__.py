"""Meetings (例会): agenda from open events, decisions with a deadline, minutes; each to its end."""
