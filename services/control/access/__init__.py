"""Who may what, and who did what: tokens, sessions, logins by OpenID Connect, the trail."""
