"""Finding things: one search over all records, what was opened last, what a person pinned."""
