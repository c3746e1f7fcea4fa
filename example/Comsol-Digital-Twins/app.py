"""A cold room's twin: how its temperature follows the air around it."""

import math
import os

from flask import Flask, request

IDENTITY = {"service": "SERVICE", "image": "IMAGE_NAME", "commit": "COMMIT", "slot": "COLDTIVATE_SLOT"}

app = Flask(__name__)
app.json.sort_keys = False


@app.get("/up")
def up():
    return "ok\n"


@app.get("/version")
def version():
    return {key: os.environ.get(variable, "") for key, variable in IDENTITY.items()}


@app.get("/simulate")
def simulate():
    hours = request.args.get("hours", default=1.0, type=float)
    inside, outside, time_constant = 4.0, 32.0, 12.0
    return {"hours": hours, "celsius": round(outside + (inside - outside) * math.exp(-hours / time_constant), 2)}
