"""How long a crop keeps, for the farmers' dashboard."""

import hashlib
import json
import os
from pathlib import Path

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


@app.post("/receipt")
def receipt():
    """Tells whoever sends something what arrived."""
    body = request.get_data()
    return {"bytes": len(body), "sha256": hashlib.sha256(body).hexdigest()}


@app.get("/shelf_life")
def shelf_life():
    days = json.loads(Path(__file__).with_name("crops.json").read_text())
    crop = request.args.get("crop", default="tomato")
    if crop not in days:
        return {"error": f"no such crop: {crop}"}, 404
    return {"crop": crop, "days": days[crop]}
