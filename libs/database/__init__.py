"""PostgreSQL access: connection pool, named queries and migrations."""
