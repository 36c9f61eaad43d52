"""What schemathesis must know of the servers: how to log in.

The tests end sessions all the time, their own included, so a token is tried before it is used.
"""

import os

import requests
import schemathesis

SERVER = os.environ["SERVER"]
ADMIN = {"user_id": "admin", "password": "admin123"}


def logged_in():
    answer = requests.post(f"{SERVER}/api/auth/login", json=ADMIN, timeout=10)
    answer.raise_for_status()
    return answer.json()["access_token"]


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
