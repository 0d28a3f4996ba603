"""Trusted documents (受信文档): known beforehand, asked for by a digest of their text."""
