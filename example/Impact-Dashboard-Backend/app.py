"""The impact dashboard's numbers, read from the views that create_view.py makes."""

import hashlib
import os
from contextlib import closing

from flask import Flask, request

from database import connect

IDENTITY = {"service": "SERVICE", "image": "IMAGE_NAME", "commit": "COMMIT", "slot": "COLDTIVATE_SLOT"}

app = Flask(__name__)
app.json.sort_keys = False


@app.get("/up")
def up():
    return "ok\n"


@app.get("/version")
def version():
    return {key: os.environ.get(variable, "") for key, variable in IDENTITY.items()}


@app.post("/receipt")
def receipt():
    """Tells whoever sends something what arrived."""
    body = request.get_data()
    return {"bytes": len(body), "sha256": hashlib.sha256(body).hexdigest()}


@app.get("/rooms")
def rooms():
    with closing(connect()) as connection, connection, connection.cursor() as cursor:
        cursor.execute("SELECT country, rooms, capacity_kg FROM rooms_by_country ORDER BY country")
        columns = [column.name for column in cursor.description]
        return {"rows": [dict(zip(columns, row)) for row in cursor]}
