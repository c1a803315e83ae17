"""PostgreSQL and Redis from wheels, for a first run and for tests."""
