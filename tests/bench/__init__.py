"""Benchmarks: figures of one run, set against a limit measured in the same run."""
