"""Closing CrewAI's sync session while its flow sleeps.

Usage, with CrewAI's interpreter: crewai_closing.py SECONDS; prints the milliseconds that closing takes. The flow sleeps
for SECONDS.
"""

from __future__ import annotations

import os
import sys
import threading
import time

os.environ.update(CREWAI_DISABLE_TELEMETRY="true", CREWAI_TRACING_ENABLED="false", OTEL_SDK_DISABLED="true")

from crewai.flow.flow import Flow, start  # type: ignore[import-not-found]


def main(seconds: float) -> float:
    asleep = threading.Event()

    class Sleeping(Flow):  # type: ignore[misc]
        @start()  # type: ignore[untyped-decorator]
        def sleep(self) -> None:
            asleep.set()
            time.sleep(seconds)

    session = Sleeping().stream_events()
    next(iter(session))
    asleep.wait()
    began = time.perf_counter()
    session.close()
    return (time.perf_counter() - began) * 1000


if __name__ == "__main__":
    print(main(float(sys.argv[1])))
