"""Event tables to ids: DuckDB reads, numbers and sorts."""
