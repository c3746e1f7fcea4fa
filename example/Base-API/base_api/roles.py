"""Brings the roles in the database in line with roles/*.json."""

import json
from contextlib import closing
from pathlib import Path

from base_api.database import connect

ROLES = Path(__file__).parent.parent / "roles"


def load_roles():
    """Inserts or updates each role. Returns their names."""
    paths = sorted(ROLES.glob("*.json"))
    with closing(connect()) as connection, connection, connection.cursor() as cursor:
        for path in paths:
            cursor.execute(
                "INSERT INTO roles (name, permissions) VALUES (%s, %s)"
                " ON CONFLICT (name) DO UPDATE SET permissions = excluded.permissions",
                [path.stem, json.loads(path.read_text())["permissions"]],
            )
    return [path.stem for path in paths]
