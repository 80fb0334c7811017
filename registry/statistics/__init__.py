"""Statistics of the registry: pure functions of counts, without database, clock or settings."""
