"""The other servers of a run."""
