"""Certificates for tests, made with the `openssl` command: an authority and what it signs."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

DAYS: Final = "2"
KEY: Final = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc")
LOOPBACK: Final = ("IP:127.0.0.1",)  # and not localhost, which is another name for it


@dataclass(frozen=True, slots=True)
class Identity:
    """A certificate and its key, each a PEM file, and both in one."""

    certificate: Path
    key: Path

    @property
    def both(self) -> Path:
        """A file of the key and the certificate, as Apache Kafka takes a PEM key store."""
        file = self.certificate.with_suffix(".both.pem")
        file.write_bytes(self.key.read_bytes() + self.certificate.read_bytes())
        return file

    def locked(self, password: str) -> Path:
        """The key, encrypted with a password."""
        file = self.key.with_suffix(".locked.key")
        words = ("-topk8", "-passout", f"pass:{password}")
        _openssl("pkcs8", *words, "-in", str(self.key), "-out", str(file))
        return file


class Authority:
    """A certificate authority in a folder of its own.

    Args:
        folder: where its files go.
        name: tells it from others.
    """

    def __init__(self, folder: Path, name: str = "test-authority") -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._own = Identity(folder / "ca.pem", folder / "ca.key")
        _openssl(
            "req", "-x509", *KEY, *self._files(self._own), "-days", DAYS, "-subj", f"/CN={name}"
        )

    @property
    def certificate(self) -> Path:
        """What its clients have to trust."""
        return self._own.certificate

    def identity(self, name: str, *hosts: str) -> Identity:
        """A certificate for a name, and for hosts as openssl writes them (``DNS:db``)."""
        made = Identity(self._folder / f"{name}.pem", self._folder / f"{name}.key")
        issuer = ("-CA", str(self._own.certificate), "-CAkey", str(self._own.key))
        also = ("-addext", f"subjectAltName={','.join(hosts)}") if hosts else ()
        leaf = ("-addext", "basicConstraints=critical,CA:FALSE")
        subject = ("-days", DAYS, "-subj", f"/CN={name}")
        _openssl("req", "-x509", *KEY, *self._files(made), *issuer, *subject, *also, *leaf)
        return made

    def _files(self, identity: Identity) -> tuple[str, ...]:
        return ("-keyout", str(identity.key), "-out", str(identity.certificate))


def _openssl(*words: str) -> None:
    program = shutil.which("openssl")
    assert program is not None, "tests of encryption need the openssl command (Debian: openssl)"
    done = subprocess.run([program, *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
