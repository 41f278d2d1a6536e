"""Opening a cassette of many interactions, and having every one of them answer its request, in their order.

Usage: matching.py harness|vcrpy INTERACTIONS; prints seconds. All requests go to one URL and differ in their bodies, as
calls to a model do. The cassette is plain vcrpy's. vcrpy matches as it does by default, without looking at bodies, which
costs it a thirtieth of what matching them would; this project always looks at them.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Final

import httpx
import yaml

_URL: Final = "http://provider.invalid/v1/chat/completions"


def main(player: str, interactions: int) -> float:
    bodies = [_body(number) for number in range(interactions)]
    with tempfile.TemporaryDirectory() as folder, httpx.Client(trust_env=False) as client:
        path = Path(folder) / "cassette.yaml"
        _write(path, bodies)
        if player == "harness":
            # The patches are put in place once per process, whatever the number of interactions.
            from harness.recording import transports

            transports.install()
        began = time.perf_counter()
        with _playing(player, path):
            for number in range(interactions):
                answer = client.post(_URL, content=bodies[number], headers={"content-type": "application/json"})
                if answer.json()["number"] != number:
                    sys.exit(f"request {number} was answered with {answer.text}")
        return time.perf_counter() - began


def _playing(player: str, path: Path) -> AbstractContextManager[Any]:
    if player == "harness":
        from harness.recording.tape.tape import open_tape

        return open_tape(path, "none")
    import vcr  # type: ignore[import-untyped]

    cassette: AbstractContextManager[Any] = vcr.use_cassette(str(path), record_mode="none")
    return cassette


def _body(number: int) -> str:
    message = {"role": "user", "content": f"Tell me about lighthouse {number}, and about the ships that it guides."}
    return json.dumps({"model": "model", "messages": [message]})


def _write(path: Path, bodies: list[str]) -> None:
    headers = {"content-type": ["application/json"]}
    interactions = [
        {
            "request": {"method": "POST", "uri": _URL, "body": body, "headers": headers},
            "response": {
                "status": {"code": 200, "message": "OK"},
                "headers": headers,
                "body": {"string": json.dumps({"number": number})},
            },
        }
        for number, body in enumerate(bodies)
    ]
    path.write_text(yaml.dump({"version": 1, "interactions": interactions}, Dumper=yaml.CSafeDumper))


if __name__ == "__main__":
    print(main(sys.argv[1], int(sys.argv[2])))
