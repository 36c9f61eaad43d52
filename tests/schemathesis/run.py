#!/usr/bin/env python3
"""Runs schemathesis against each example server, with the server's own OpenAPI document.

The examples must be built before. Fails on a 5xx, and on a response that the document does not
describe.
"""

import os
import pathlib
import re
import subprocess
import sys
import threading

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
EXAMPLES = int(os.environ.get("SCHEMATHESIS_EXAMPLES", "30"))


def start(example):
    """Starts the server. Returns its process and its address."""
    environment = {
        "PATH": os.environ["PATH"],
        "BIND_ADDR": "127.0.0.1:0",
        "RUST_LOG": "info",
        # No limit, because schemathesis sends many failing logins.
        "LOGIN_ATTEMPTS": "0",
    }
    server = subprocess.Popen(
        [TARGET / "debug" / "examples" / example],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    lines = []
    for line in server.stdout:
        lines.append(line)
        if found := re.search(r"listening on (http://\S+?),", line):
            break
    else:
        sys.exit(f"{example} does not start:\n{''.join(lines)}")
    # Keep reading its log, so that the server never blocks on a full pipe.
    threading.Thread(target=lambda: [None for _ in server.stdout], daemon=True).start()
    return server, found[1]


def check(example):
    """Returns whether schemathesis found no failure."""
    print(f"== schemathesis against {example}", flush=True)
    server, address = start(example)
    try:
        environment = {
            **os.environ,
            "SCHEMATHESIS_HOOKS": "hooks",
            "PYTHONPATH": str(HERE),
            "PYTHONDONTWRITEBYTECODE": "1",
            "SERVER": address,
        }
        # schemathesis writes files about its runs into its working directory: keep them out of the
        # repository.
        droppings = TARGET / "schemathesis-runs" / example
        droppings.mkdir(parents=True, exist_ok=True)
        command = [
            str(pathlib.Path(sys.executable).parent / "st"),
            f"--config-file={HERE / 'schemathesis.toml'}",
            "run",
            f"{address}/api/openapi.json",
            f"--max-examples={EXAMPLES}",
            "--continue-on-failure",
            "--no-color",
        ]
        return subprocess.run(command, env=environment, cwd=droppings, check=False).returncode == 0
    finally:
        server.terminate()
        server.wait(timeout=30)


if __name__ == "__main__":
    results = [check(example) for example in (sys.argv[1:] or ["axum", "hyper"])]
    passed = sum(results)
    print(f"{passed} passed, {len(results) - passed} failed")
    sys.exit(0 if all(results) else 1)
