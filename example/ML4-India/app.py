"""Market prices of India and what they may be next."""

import csv
import os
from pathlib import Path

from flask import Flask

IDENTITY = {"service": "SERVICE", "image": "IMAGE_NAME", "commit": "COMMIT", "slot": "COLDTIVATE_SLOT"}

app = Flask(__name__)
app.json.sort_keys = False


@app.get("/up")
def up():
    return "ok\n"


@app.get("/version")
def version():
    return {key: os.environ.get(variable, "") for key, variable in IDENTITY.items()}


def load_prices():
    """Returns {market: [price of each week, oldest first]}."""
    prices = {}
    for path in sorted(Path(__file__).parent.glob("data/*.csv")):
        with path.open(newline="") as rows:
            prices[path.stem] = [float(row["price"]) for row in csv.DictReader(rows)]
    return prices


def predict_next(prices):
    """Continues the mean change from week to week."""
    return round(prices[-1] + (prices[-1] - prices[0]) / (len(prices) - 1), 2)


@app.get("/forecast")
def forecast():
    return {market: predict_next(prices) for market, prices in load_prices().items()}
