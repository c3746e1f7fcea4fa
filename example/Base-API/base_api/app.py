"""The base API: roles, cold rooms and the jobs that the worker does."""

import hashlib
import os
import time
from contextlib import closing

from flask import Flask, request

from base_api.database import connect
from base_api.jobs import count_jobs, submit_job

IDENTITY = {"service": "SERVICE", "image": "IMAGE_NAME", "commit": "COMMIT", "slot": "COLDTIVATE_SLOT"}
LONGEST_MILLISECONDS = 60_000

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


@app.route("/slow", methods=["GET", "POST"])
def slow():
    """Answers after ?ms= milliseconds, so that a request can be in flight for as long as one likes."""
    milliseconds = min(max(request.args.get("ms", default=1000, type=int), 0), LONGEST_MILLISECONDS)
    received = len(request.get_data())
    time.sleep(milliseconds / 1000)
    return {"ms": milliseconds, "received": received}


@app.get("/db")
def db():
    """Shows what the migrations and load_roles left in the database."""
    with closing(connect()) as connection, connection, connection.cursor() as cursor:
        return {
            "migrations": read_rows(cursor, "SELECT name FROM migrations ORDER BY name"),
            "roles": read_rows(cursor, "SELECT name, permissions FROM roles ORDER BY name"),
            "cold_rooms": read_rows(cursor, "SELECT name, country, capacity_kg FROM cold_rooms ORDER BY name"),
        }


@app.get("/jobs")
def jobs():
    return count_jobs()


@app.post("/jobs")
def create_job():
    submit_job("count_rooms")
    return count_jobs(), 202


def read_rows(cursor, query):
    cursor.execute(query)
    columns = [column.name for column in cursor.description]
    return [dict(zip(columns, row)) for row in cursor]
