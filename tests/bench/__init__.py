"""Benchmarks: ratios to what people would use instead, each measured in one run. Never part of the tests."""
