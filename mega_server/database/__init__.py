"""SQLAlchemy Core over SQLite: schema, migrations, and one module for each aggregate. No rule of the service."""
