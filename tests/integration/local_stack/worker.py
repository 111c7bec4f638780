"""A stand-in for a service: listens on HTTP, and stops (or does not) when it is told to."""

from __future__ import annotations

import os
import signal
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path


class Ready(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        busy = os.environ.get("WORKER_BUSY_WHILE")
        self.send_response(503 if busy and Path(busy).exists() else 200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")


def main() -> None:
    server = HTTPServer(("127.0.0.1", int(sys.argv[1])), Ready)
    stopping = threading.Thread(target=server.shutdown)
    stubborn = "WORKER_STUBBORN" in os.environ
    signal.signal(signal.SIGTERM, signal.SIG_IGN if stubborn else lambda *_: stopping.start())
    server.serve_forever()


if __name__ == "__main__":
    main()
