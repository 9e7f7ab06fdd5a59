"""Benchmarks anyone can run, a file a study; `drbench bench` prints them."""

PAIRS = 64
"""Pairs in a batch: what the published protocol uses."""
