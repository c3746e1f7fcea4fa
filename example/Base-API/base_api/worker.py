"""Does the jobs of the queue, and submits what is due. Submitting makes it a singleton, as `celery -B` is."""

import signal
import time
from contextlib import closing

import psycopg2
import redis

from base_api.database import connect
from base_api.heartbeat import open_heartbeat
from base_api.jobs import DONE, QUEUE, open_queue

SUBMIT_SECONDS = 30
WAIT_SECONDS = 0.25


def count_rooms():
    with closing(connect()) as connection, connection, connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM cold_rooms")
        print(f"count_rooms: {cursor.fetchone()[0]}", flush=True)


JOBS = {"count_rooms": count_rooms}


class Worker:
    def __init__(self):
        self.stopped = False
        self.due = time.monotonic()
        self.queue = open_queue()

    def stop(self, *_):
        self.stopped = True

    def turn(self):
        """Submits what is due, then waits a moment for one job and does it."""
        if time.monotonic() >= self.due:
            self.queue.rpush(QUEUE, "count_rooms")
            self.due += SUBMIT_SECONDS
        taken = self.queue.blpop(QUEUE, timeout=WAIT_SECONDS)
        if taken:
            JOBS[taken[1]]()
            self.queue.incr(DONE)


def main():
    worker, beat = Worker(), open_heartbeat()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, worker.stop)
    while not worker.stopped:
        beat()
        try:
            worker.turn()
        except (psycopg2.Error, redis.RedisError, KeyError) as error:
            print(f"job failed: {error!r}", flush=True)
            time.sleep(WAIT_SECONDS)
    print("stopped", flush=True)


if __name__ == "__main__":
    main()
