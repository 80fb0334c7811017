"""What tells operators how the registry does: numbers for Prometheus, and traces. Counts and times only, never a value or a trust."""
