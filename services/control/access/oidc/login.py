"""A login in a browser: OpenID Connect's authorization code flow with PKCE, state and nonce.

    browser ─▶ /session/login ─▶ issuer ─▶ /session/callback?code&state ─▶ session
               sets a cookie               has the cookie, and so the verifier

All that has to be remembered in between follows from one random secret, which is in a cookie of the
browser that began: state, nonce and verifier are HMACs of it. So control keeps nothing for logins
that nobody finishes, and an answer that another browser began is refused.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode, urlsplit, urlunsplit

from contracts.errors import OnrecordError

VALID_S: Final = 600
"""How long a login may take, in seconds."""


class LoginRefusedError(OnrecordError):
    """Raised when a login was not begun in this browser, or the issuer refused it (HTTP 403)."""


@dataclass(frozen=True, slots=True)
class LoginInProgress:
    """Login in progress: the state that its browser keeps until the issuer redirects it back.

    Attributes:
        secret: what all else is derived from; only the browser that began has it.
    """

    secret: str

    @classmethod
    def begin(cls) -> LoginInProgress:
        """Begin a login."""
        return cls(secrets.token_urlsafe(32))

    @property
    def state(self) -> str:
        """What the issuer's answer has to bring back."""
        return self._derive("state")

    @property
    def nonce(self) -> str:
        """What the ID token has to hold."""
        return self._derive("nonce")

    @property
    def verifier(self) -> str:
        """What proves that the code is redeemed by whoever asked for it (RFC 7636)."""
        return self._derive("verifier")

    @property
    def challenge(self) -> str:
        """What the issuer is shown of the verifier beforehand: its SHA-256."""
        return _encode(hashlib.sha256(self.verifier.encode()).digest())

    def authorization_url(
        self, endpoint: str, *, client_id: str, scopes: str, redirect_uri: str
    ) -> str:
        """Return where the browser is sent to log in."""
        parts = urlsplit(endpoint)
        query = urlencode(
            {
                "response_type": "code",
                "client_id": client_id,
                "redirect_uri": redirect_uri,
                "scope": scopes,
                "state": self.state,
                "nonce": self.nonce,
                "code_challenge": self.challenge,
                "code_challenge_method": "S256",
            }
        )
        return urlunsplit(parts._replace(query="&".join(filter(None, (parts.query, query)))))

    def require_state(self, state: str) -> None:
        """Require the state of this login.

        Raises:
            LoginRefusedError: the answer belongs to a login that another browser began.
        """
        if not hmac.compare_digest(state.encode(), self.state.encode()):
            raise LoginRefusedError("this login was not begun in this browser; begin again")

    def _derive(self, purpose: str) -> str:
        return _encode(hmac.digest(self.secret.encode(), purpose.encode(), "sha256"))


def _encode(data: bytes) -> str:
    return urlsafe_b64encode(data).decode().rstrip("=")
