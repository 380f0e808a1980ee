"""Every path of the contract, once. Server views and client operations both take their paths from here.

Templates are in Flask's syntax; `str.format` would not see their converters, so the client fills them with `path`.
"""

from __future__ import annotations

SERVER = "/v1/server"
KDF = "/v1/accounts/<account>/kdf"
ACCOUNTS = "/v1/accounts"
ME = "/v1/accounts/me"
SLOTS = "/v1/accounts/me/slots"
LOGIN_CHALLENGE = "/v1/login/challenge"
LOGIN = "/v1/login"
SESSIONS = "/v1/sessions"
SESSION = "/v1/sessions/<session_id>"
PACKS = "/v1/volumes/<volume>/packs"
MISSING = "/v1/volumes/<volume>/missing"
HOLD = "/v1/volumes/<volume>/hold"
BLOBS = "/v1/volumes/<volume>/blobs"
BLOB = "/v1/volumes/<volume>/blobs/<blob>"
HEAD = "/v1/volumes/<volume>/head"
RECORDS = "/v1/volumes/<volume>/records"
COMMITS = "/v1/volumes/<volume>/commits"
FEED = "/v1/feed"
LINKS = "/v1/links"
LINK = "/v1/links/<link>"
LINK_LOG = "/v1/links/<link>/log"
LINK_SESSION = "/v1/links/<link>/session"
LINK_BLOBS = "/v1/links/<link>/blobs"
LINK_PAGE = "/s/<link>"
PAGE_FILE = "/s/app/<path:name>"
HEALTH = "/healthz"
METRICS = "/metrics"


def path(template: str, **parts: str) -> str:
    """Fill a template.

    >>> path(HEAD, volume="00ff")
    '/v1/volumes/00ff/head'
    """
    for name, value in parts.items():
        template = template.replace(f"<{name}>", value)
    return template
