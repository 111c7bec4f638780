"""The one PostgreSQL database: connections, named queries and migrations."""
