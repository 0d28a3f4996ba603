"""Ledgers (台账): views over the records that exist, never typed twice, and their sheets."""
