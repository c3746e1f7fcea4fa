"""The queue between the API and its worker: a list in valkey."""

import os

import redis

QUEUE, DONE = "jobs", "jobs:done"


def open_queue():
    return redis.Redis.from_url(os.environ["VALKEY_URL"], decode_responses=True, socket_connect_timeout=5)


def submit_job(name):
    open_queue().rpush(QUEUE, name)


def count_jobs():
    queue = open_queue()
    return {"waiting": queue.llen(QUEUE), "done": int(queue.get(DONE) or 0)}
