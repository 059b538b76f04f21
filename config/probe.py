"""Asks one process of this machine for its health; the exit code is the answer. For containers:

python -I config/probe.py PORT PATH
"""

import os
import sys
import urllib.request


def main() -> None:
    port, path = sys.argv[1:3]
    host = os.environ.get("ALLOWED_HOSTS", "localhost").split(",")[0].strip().lstrip(".")
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers={"Host": host})
    with urllib.request.urlopen(request, timeout=4) as answer:  # noqa: S310 our own; raises for 503
        print(answer.read().decode())


if __name__ == "__main__":
    main()
