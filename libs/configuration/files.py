"""Certificate, key and secret files that settings name, read again for every client.

Reading again means that a rotated password or certificate takes effect without a restart, and
that a file missing for a moment is waited for.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pydantic import SecretStr

from contracts.errors import OutageError

_NO_PASSWORD: Final = SecretStr("")


class UnusableFileError(OutageError, ValueError):
    """Raised when a file that a setting names is missing, unreadable or invalid.

    While settings are read it is a ``ValueError``, which pydantic turns into a wrong setting. Later
    it is an outage: the file was there before, so the service waits for it.
    """


def read_secret(file: Path, *, variable: str) -> SecretStr:
    """Read a secret from a file; surrounding white space is stripped.

    Args:
        file: such as a mounted Docker or Kubernetes secret.
        variable: the setting that names it, for the message.

    Raises:
        UnusableFileError: it cannot be read, or is empty.
    """
    with _naming_the_setting(variable, file):
        secret = file.read_text(encoding="utf-8").strip()
    if not secret:
        raise UnusableFileError(f"{variable}: {file} is empty")
    return SecretStr(secret)


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """Paths of a TLS client's files: CA certificates, client certificate and private key.

    Attributes:
        names: of the settings for ca, certificate and key, for messages.
        ca: certificates of the authorities that are trusted, PEM; the system's if None.
        certificate: our own certificate with its chain, PEM, where the server asks for one.
        key: its private key, PEM; it may also stand in the file of the certificate.
        key_password: decrypts the key.
    """

    names: tuple[str, str, str]
    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None
    key_password: SecretStr = _NO_PASSWORD

    def context(self, *, verify: bool = True, check_hostname: bool = True) -> ssl.SSLContext:
        """Return the SSL context for a client: TLS 1.2 or newer.

        Args:
            verify: whether the server's certificate has to come from a trusted authority.
            check_hostname: whether it has to be made out to the host we connect to.

        Raises:
            UnusableFileError: a file is missing, may not be read, or is not what it should be.
        """
        ca, certificate, key = self.names
        with _naming_the_setting(ca, self.ca, what="certificate in PEM form"):
            context = ssl.create_default_context(cafile=self.ca)
        context.check_hostname = verify and check_hostname
        context.verify_mode = ssl.CERT_REQUIRED if verify else ssl.CERT_NONE
        if self.certificate is not None:
            # The system names no file, so both are looked at before they are read together.
            for name, file in ((certificate, self.certificate), (key, self.key)):
                with _naming_the_setting(name, file):
                    _ = file and file.read_bytes()
            keys = "private key in PEM form that the password, if any, opens"
            with _naming_the_setting(
                f"{certificate}, {key}", self.key or self.certificate, what=keys
            ):
                # Without a password OpenSSL would ask for one at the terminal.
                password = self.key_password.get_secret_value()
                context.load_cert_chain(self.certificate, self.key, password=lambda: password)
        return context


def explain_tls_error(error: ssl.SSLCertVerificationError, *, ca: str, host: str) -> str:
    """Return a phrase that explains why a server's TLS certificate was refused.

    Args:
        error: what the handshake raised.
        ca: the setting that names the trusted authorities.
        host: the setting that names the server.
    """
    if error.verify_code in _MADE_OUT_TO_ANOTHER:
        return (
            "shows a certificate for another host name; "
            f"check the name in {host} and those in the certificate"
        )
    return f"shows a certificate that is not trusted ({error.verify_message}); check {ca}"


@contextmanager
def _naming_the_setting(variable: str, file: Path | None, *, what: str = "text") -> Iterator[None]:
    try:
        yield
    except ssl.SSLError as error:
        mismatch = error.reason == "KEY_VALUES_MISMATCH"
        fault = "is the key of another certificate" if mismatch else f"holds no {what}"
        raise UnusableFileError(f"{variable}: {file} {fault}") from error
    except UnicodeDecodeError as error:
        raise UnusableFileError(f"{variable}: {file} holds no {what}") from error
    except OSError as error:
        raise UnusableFileError(f"{variable}: cannot read {file} ({error.strerror})") from error


_MADE_OUT_TO_ANOTHER: Final = frozenset({62, 64})
"""OpenSSL's X509_V_ERR_HOSTNAME_MISMATCH and X509_V_ERR_IP_ADDRESS_MISMATCH."""
