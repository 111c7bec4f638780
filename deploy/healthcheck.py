# ruff: noqa: INP001 - a script by itself, copied into the image
"""Exits 0 if a service of this container answers 200: ``healthcheck [PORT [PATH]]``.

Only what starts fast is imported, as this runs every few seconds.
"""

import socket
import sys

TIMEOUT_S = 3.0


def main(port: str = "8080", path: str = "/readyz") -> int:
    """Ask once; the answer's last line, which tells why not, is printed for ``docker inspect``.

    Args:
        port: where the service listens.
        path: what is asked for.

    Returns:
        0 ready, 1 not ready or no answer.
    """
    try:
        with socket.create_connection(("127.0.0.1", int(port)), TIMEOUT_S) as connection:
            connection.settimeout(TIMEOUT_S)
            connection.sendall(f"GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n".encode())
            with connection.makefile("rb") as answer:
                status, *_, told = answer.read().decode("utf-8", "replace").splitlines()
    except (OSError, ValueError) as error:
        sys.stdout.write(f"no answer: {error}\n")
        return 1
    sys.stdout.write(f"{told}\n")
    return 0 if " 200 " in status else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
