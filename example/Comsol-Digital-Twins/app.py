"""A cold room's twin: how its temperature follows the air around it."""

import hashlib
import json
import math
import os

from flask import Flask, request

from conversation import Conversation

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


@app.get("/simulate")
def simulate():
    return predict(request.args.get("hours", default=1.0, type=float))


@app.get("/live", websocket=True)
def live():
    """A websocket on which every message, a number of hours, gets its temperature."""
    return Conversation(lambda hours: json.dumps(predict(float(hours))))


def predict(hours):
    inside, outside, time_constant = 4.0, 32.0, 12.0
    return {"hours": hours, "celsius": round(outside + (inside - outside) * math.exp(-hours / time_constant), 2)}
