"""Hooks that let schemathesis log in to the servers.

The tests often revoke sessions, including their own, so a token is checked before each use.
"""

import os
import time

import requests
import schemathesis

SERVER = os.environ["SERVER"]
ADMIN = {"user_id": "admin", "password": "admin123"}


REFRESH_COOKIE = "__Secure-refresh_token"


def log_in():
    answer = requests.post(f"{SERVER}/api/auth/login", json=ADMIN, timeout=10)
    answer.raise_for_status()
    return answer


def logged_in():
    return log_in().json()["access_token"]


class RefreshToken:
    """A refresh token that can be exchanged.

    Within the grace period the server returns the same successor each time. After 5 seconds `get`
    logs in again.
    """

    token = None
    since = 0.0

    @classmethod
    def get(cls):
        if cls.token is None or time.monotonic() - cls.since > 5:
            cls.token = log_in().cookies[REFRESH_COOKIE]
            cls.since = time.monotonic()
        return cls.token


def alive(token):
    headers = {"authorization": f"Bearer {token}"}
    return requests.get(f"{SERVER}/api/data", headers=headers, timeout=10).status_code == 200


@schemathesis.auth(refresh_interval=None)
class AdminAuth:
    token = None

    def get(self, case, context):
        if self.token is None or not alive(self.token):
            AdminAuth.token = logged_in()
        return self.token

    def set(self, case, data, context):
        case.headers = case.headers or {}
        case.headers["Authorization"] = f"Bearer {data}"
        if case.path.endswith("/auth/refresh"):
            case.cookies = {**(case.cookies or {}), REFRESH_COOKIE: RefreshToken.get()}
