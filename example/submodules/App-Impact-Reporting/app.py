"""What a cold room emits, and what it saves."""

import hashlib
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


@app.get("/emissions")
def emissions():
    kwh = request.args.get("kwh", default=0.0, type=float)
    return {"kwh": kwh, "kg_co2": round(kwh * load_factor(), 3)}


def load_factor():
    """Returns kilograms of CO2 a kilowatt-hour."""
    return float(Path(__file__).with_name("factor.txt").read_text())
