"""Benchmarks: every figure is a ratio beside a yardstick measured in the same run. Run by `make bench`, never as tests."""
