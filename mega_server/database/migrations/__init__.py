"""Alembic revisions, run by `database.engine.migrate`; packaged with the server."""
