#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""check-access: who may do what, for every endpoint.

    check-access.py TOP SIMPLEBUSD

Takes all endpoints and routes from the source, so that none is forgotten, and all operations of
data/openapi.json. Each is asked for by a stranger, a user and an admin, with a password and with a
cookie of the console, and what changes something with a cookie that comes without the console's
header. Ends with 1 and a line for each answer that should be another one.
"""

import importlib.util
import json
import os
import re
import sys
import tempfile
from pathlib import Path

RE_ENDPOINT = re.compile(r'\{ "(/[^"]*)", ("[A-Z]+"|NULL), ACCESS_(\w+)')
RE_TABLE = re.compile(r"static const Route (\w+)\[\] = \{(.*?)\n\};", re.S)
ANY_METHOD = {"/files": ["POST"], "/files/": ["HEAD", "PATCH", "DELETE"], "/api/v1/": []}
BELOW = {"/console/": "app.js"}
HEADER = {"X-Simplebus-Console": "1"}

failures = []


def load(top):
    """The other check, for its daemon and its way to read the source."""
    spec = importlib.util.spec_from_file_location("check_openapi", top / "tests/check-openapi.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def concrete(path):
    """A path that can be asked for: settings are bob's own, all else is not there."""
    return path.replace("users/{}/settings", "users/bob/settings").replace("{}", "x")


def read_endpoints(top, check):
    """(method, path, access) of all that the source serves."""
    soup = top / "plugins/transport-soup"
    found = []
    for path, method, access in RE_ENDPOINT.findall((soup / "sb-soup-http.c").read_text("utf-8")):
        methods = ANY_METHOD[path] if method == "NULL" else [method.strip('"')]
        if path.endswith("/") and path != "/":
            path += BELOW.get(path, "x")
        found += [(name, path, access.lower()) for name in methods]
    tables = dict(RE_TABLE.findall((soup / "sb-soup-api.c").read_text("utf-8")))
    for table, access in ("routes", "admin"), ("own_routes", "user"):
        for method, path, _ in check.RE_ROUTE.findall(tables[table]):
            found.append((method, f"{check.PREFIX}/{path}", access))
    return found


def compare(document, endpoints, check):
    """What the document says of access, and what the source does."""
    source = {(method, path): access for method, path, access in endpoints}
    for method, path, operation in check.operations(document):
        described = operation.get("x-access", "admin")
        found = source.get((method, check.PREFIX + check.plain(path)))
        if found != described:
            failures.append(f"{method} {path}: for {described}, says the document, and not {found}")


class Matrix:
    def __init__(self, daemon, check):
        self.daemon = daemon
        self.basic = {"user": check.BOB, "admin": check.ADMIN}
        self.passwords = {"user": ("bob", "bob-pw"), "admin": ("admin", "secret")}
        self.cookies = {}
        self.asked = 0

    def sign_in(self, who):
        user, password = self.passwords[who]
        connection = self.daemon.connect()
        connection.request("POST", "/api/v1/session",
                           json.dumps({"user": user, "password": password}), HEADER)
        answer = connection.getresponse()
        answer.read()
        connection.close()
        return answer.getheader("Set-Cookie").split(";")[0]

    def ask(self, method, path, headers):
        """(status, reason, whether a browser would ask for a password); a stream is not read."""
        connection = self.daemon.connect()
        connection.request(method, path, None, headers)
        answer = connection.getresponse()
        kind = answer.getheader("Content-Type") or ""
        body = answer.read() if kind.endswith("problem+json") else b""
        connection.close()
        self.asked += 1
        reason = json.loads(body)["reason"] if body else ""
        return answer.status, reason, answer.getheader("WWW-Authenticate") is not None

    def expect(self, access, who, where, answer):
        status, _, dialog = answer
        allowed = {"anybody": ["stranger", "user", "admin"], "user": ["user", "admin"]}
        if who in allowed.get(access, ["admin"]):
            # What anybody may ask for may be refused for what it asks.
            if status == 401 or (status == 403 and access != "anybody"):
                failures.append(f"{where}: {status} for who may do it ({who})")
        elif status != (401 if who == "stranger" else 403):
            failures.append(f"{where}: {status} for who may not do it ({who})")
        if dialog != (status == 401 and "cookie" not in where):
            failures.append(f"{where}: WWW-Authenticate is wrong ({who})")

    def get_cookie(self, who, path):
        # One that is signed out does no more.
        if path == "/api/v1/session" or who not in self.cookies:
            self.cookies[who] = self.sign_in(who)
        return self.cookies[who]

    def visit(self, method, path, access):
        where = f"{method} {path}"
        target = concrete(path)
        self.expect(access, "stranger", where, self.ask(method, target, {}))
        answer = self.ask(method, target, {"Cookie": "simplebus=" + "0" * 64, **HEADER})
        self.expect(access, "stranger", where + " by cookie", answer)
        for who in ("user", "admin"):
            answer = self.ask(method, target, dict(self.basic[who]))
            self.expect(access, who, where, answer)
            cookie = self.get_cookie(who, path)
            answer = self.ask(method, target, {"Cookie": cookie, **HEADER})
            self.expect(access, who, where + " by cookie", answer)
            cookie = self.get_cookie(who, path)
            if method in ("GET", "HEAD") or access == "anybody":
                continue
            answer = self.ask(method, target, {"Cookie": cookie})
            if answer[:2] != (403, "cross-site"):
                failures.append(f"{where} by cookie without the header: {answer[:2]} ({who})")
            answer = self.ask(method, target, {"Cookie": cookie, "Origin": "http://evil.example",
                                               **HEADER})
            if answer[0] != 403:
                failures.append(f"{where} by cookie from another site: {answer[:2]} ({who})")


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__.strip())
    top = Path(sys.argv[1])
    check = load(top)
    document = json.loads((top / "data/openapi.json").read_text("utf-8"))
    endpoints = read_endpoints(top, check)
    compare(document, endpoints, check)
    os.environ.pop("G_DEBUG", None)
    with tempfile.TemporaryDirectory() as folder:
        daemon = check.Daemon(sys.argv[2], folder + "/data")
        matrix = Matrix(daemon, check)
        try:
            check.prepare(daemon)
            for method, path, access in endpoints:
                matrix.visit(method, path, access)
        finally:
            daemon.stop()
    failures.extend(check.failures)
    for failure in failures:
        print(failure)
    print(f"{len(endpoints)} endpoints, {matrix.asked} requests, {len(failures)} failures")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
