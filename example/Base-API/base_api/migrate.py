"""Brings the database up to date with migrations/*.sql, each once and whole."""

from contextlib import closing
from pathlib import Path

from base_api.database import connect

LOCK = 4_711


def migrate():
    """Applies what is missing, in the order of the names. Returns the names applied; a second caller waits."""
    with closing(connect()) as connection:
        with connection, connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(%s)", [LOCK])
            cursor.execute(
                "CREATE TABLE IF NOT EXISTS migrations"
                " (name text PRIMARY KEY, applied timestamptz NOT NULL DEFAULT now())"
            )
            cursor.execute("SELECT name FROM migrations")
            known = {name for (name,) in cursor}
        missing = [path for path in sorted(Path(__file__).parent.glob("migrations/*.sql")) if path.stem not in known]
        for path in missing:
            apply_migration(connection, path)
        return [path.stem for path in missing]


def apply_migration(connection, path):
    with connection, connection.cursor() as cursor:
        cursor.execute(path.read_text())
        cursor.execute("INSERT INTO migrations (name) VALUES (%s)", [path.stem])
