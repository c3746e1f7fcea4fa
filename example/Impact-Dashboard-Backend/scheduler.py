"""Starts the impact dashboard's views on time. Runs once only: two of it would do everything twice."""

import signal
import threading

from heartbeat import open_heartbeat

BEAT_SECONDS = 0.25
BEATS_BETWEEN_RUNS = 240


def main():
    stopped = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: stopped.set())

    beat, beats = open_heartbeat(), 0
    while not stopped.wait(BEAT_SECONDS):
        beat()
        if beats % BEATS_BETWEEN_RUNS == 0:
            print("refresh: due", flush=True)
        beats += 1
    print("stopped", flush=True)


if __name__ == "__main__":
    main()
