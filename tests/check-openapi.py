#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""check-openapi: data/openapi.json describes /api/v1/ as the bus has it.

    check-openapi.py TOP SIMPLEBUSD

Holds the document to the tables of routes in the source: every route is in it, with its parameters,
and nothing else is. Then a daemon is started, and each operation is asked for, as a stranger, a
user and an admin: what is answered has to be as the document says, member by member. Ends with 1
and a line for each difference.
"""

import base64
import http.client
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

SECONDS = 60
PREFIX = "/api/v1"
RE_ROUTE = re.compile(r'\{ "([A-Z]+)", "([^"/][^"]*)", "([^"]*)", sb_api_\w+ \}')
RE_ENDPOINT = re.compile(r'\{ "/api/v1(/[^"]+)", "([A-Z]+)", ACCESS_(\w+)')
RE_TIME = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")

failures = []


def fail(what):
    failures.append(what)


# The source

def plain(path):
    """A path with unnamed segments, as in the source."""
    return re.sub(r"\{[^}]*\}", "{}", path)


def read_routes(top):
    """{(method, path): parameters} of all that the source serves."""
    soup = top / "plugins/transport-soup"
    routes = {}
    for method, path, parameters in RE_ROUTE.findall((soup / "sb-soup-api.c").read_text("utf-8")):
        routes[method, "/" + path] = set(parameters.split())
    for path, method, _ in RE_ENDPOINT.findall((soup / "sb-soup-http.c").read_text("utf-8")):
        routes[method, path] = set()
    return routes


def operations(document):
    """(method, path, operation) of the document."""
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield method.upper(), path, operation


def parameters_of(operation, place):
    return [p for p in operation.get("parameters", []) if p["in"] == place]


def compare_routes(document, routes):
    described = {}
    names = set()
    for method, path, operation in operations(document):
        described[method, plain(path)] = {p["name"] for p in parameters_of(operation, "query")}
        segments = set(re.findall(r"\{([^}]*)\}", path))
        if segments != {p["name"] for p in parameters_of(operation, "path")}:
            fail(f"{method} {path}: the segments of the path are not its parameters")
        if operation["operationId"] in names:
            fail(f"{method} {path}: another operation has the same operationId")
        names.add(operation["operationId"])
    for route in sorted(routes.keys() - described.keys()):
        fail(f"{' '.join(route)}: not in the document; describe it there")
    for route in sorted(described.keys() - routes.keys()):
        fail(f"{' '.join(route)}: not in the source; take it out of the document")
    for route in sorted(routes.keys() & described.keys()):
        if routes[route] != described[route]:
            fail(f"{' '.join(route)}: takes {sorted(routes[route])}, "
                 f"described are {sorted(described[route])}")


# Schemas

class Validator:
    """As much of JSON Schema as the document uses; a keyword that it does not know is a failure."""

    KNOWN = {"$ref", "type", "enum", "properties", "required", "additionalProperties", "items",
             "oneOf", "format", "pattern", "minimum", "maximum", "default", "description"}
    TYPES = {"object": dict, "array": list, "string": str, "boolean": bool, "null": type(None)}

    def __init__(self, document):
        self.document = document

    def resolve(self, schema):
        while "$ref" in schema:
            node = self.document
            for key in schema["$ref"].removeprefix("#/").split("/"):
                node = node[key]
            schema = node
        return schema

    def is_type(self, value, name):
        if name == "integer":
            return isinstance(value, int) and not isinstance(value, bool)
        if name == "number":
            return isinstance(value, (int, float)) and not isinstance(value, bool)
        return isinstance(value, self.TYPES[name])

    def errors(self, value, schema, where):
        schema = self.resolve(schema)
        for keyword in schema.keys() - self.KNOWN:
            yield f"{where}: the schema has the unknown keyword {keyword}"
        if "oneOf" in schema:
            found = [list(self.errors(value, one, where)) for one in schema["oneOf"]]
            if sum(not errors for errors in found) != 1:
                yield f"{where}: {json.dumps(value)[:80]} is not exactly one of those described"
            return
        types = schema.get("type", [])
        types = types if isinstance(types, list) else [types]
        if types and not any(self.is_type(value, name) for name in types):
            yield f"{where}: {json.dumps(value)[:80]} is not of the type {'/'.join(types)}"
            return
        if "enum" in schema and value not in schema["enum"]:
            yield f"{where}: {json.dumps(value)} is none of {schema['enum']}"
        if isinstance(value, str):
            yield from self.string_errors(value, schema, where)
        elif isinstance(value, (int, float)) and not isinstance(value, bool):
            if not schema.get("minimum", value) <= value <= schema.get("maximum", value):
                yield f"{where}: {value} is out of its bounds"
        elif isinstance(value, list):
            for index, item in enumerate(value):
                yield from self.errors(item, schema.get("items", {}), f"{where}[{index}]")
        elif isinstance(value, dict):
            yield from self.object_errors(value, schema, where)

    @staticmethod
    def string_errors(value, schema, where):
        if schema.get("format") == "date-time" and not RE_TIME.match(value):
            yield f"{where}: {value} is no time"
        if "pattern" in schema and not re.search(schema["pattern"], value):
            yield f"{where}: {value} is not like {schema['pattern']}"

    def object_errors(self, value, schema, where):
        properties = schema.get("properties", {})
        for name in schema.get("required", []):
            if name not in value:
                yield f"{where}: {name} is missing"
        for name, member in value.items():
            if name in properties:
                yield from self.errors(member, properties[name], f"{where}.{name}")
            elif schema.get("additionalProperties", True) is False:
                yield f"{where}: {name} is not described"


# The daemon

def basic(user, password):
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


class Daemon:
    def __init__(self, program, folder):
        arguments = [program, "--data-dir", folder, "--print-ports"]
        for setting in ("transport-soup.listen=127.0.0.1", "transport-soup.http-port=0",
                        "transport-soup.websocket-port=0", "bus.open-signup=true",
                        "bus.metrics-token=secret"):
            arguments += ["--set", setting]
        self.process = subprocess.Popen(arguments, stdout=subprocess.PIPE)
        self.timer = threading.Timer(SECONDS, self.process.kill)
        self.timer.start()
        line = self.process.stdout.readline().decode()
        ports = dict(word.split("=", 1) for word in line.split())
        self.http = int(ports["http"].rsplit(":", 1)[1])
        self.websocket = int(ports["websocket"].rsplit(":", 1)[1])

    def stop(self):
        self.process.terminate()
        status = self.process.wait()
        self.timer.cancel()
        self.process.stdout.close()
        if status != 0:
            fail(f"the daemon ended with {status}")

    def connect(self):
        return http.client.HTTPConnection("127.0.0.1", self.http, timeout=SECONDS)

    def ask(self, method, path, body=None, headers=None):
        """(status, content type, body) of an answer."""
        connection = self.connect()
        connection.request(method, path, body, headers or {})
        answer = connection.getresponse()
        data = answer.read()
        connection.close()
        return answer.status, (answer.getheader("Content-Type") or "").split(";")[0], data

    def read_event(self, path, headers, act=None):
        """The data of the first event of a stream. act: does something that makes one."""
        connection = self.connect()
        connection.request("GET", PREFIX + path, None, headers)
        answer = connection.getresponse()
        if act is not None:
            act()
        data = next(line for line in answer if line.startswith(b"data: "))
        kind = answer.getheader("Content-Type")
        connection.close()
        return answer.status, kind, data.removeprefix(b"data: ")

    def open_session(self, user, password):
        """A WebSocket that has logged in, and was told so."""
        peer = socket.create_connection(("127.0.0.1", self.websocket), SECONDS)
        peer.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                     b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " + b"A" * 22 + b"==\r\n\r\n")
        frame = json.dumps({"type": "connect", "data": user, "password": password,
                            "hello": True}).encode()
        peer.sendall(bytes([0x81, 0x80 | len(frame), 0, 0, 0, 0]) + frame)
        seen = b""
        while b'"connected"' not in seen:
            more = peer.recv(65536)
            if not more:
                raise EOFError("the session was closed")
            seen += more
        return peer


ADMIN = basic("admin", "secret")
BOB = basic("bob", "bob-pw")
CONSOLE = {"X-Simplebus-Console": "1"}
FORM = ("--x\r\nContent-Disposition: form-data; name=\"data\"\r\n\r\n"
        "{\"_id\":\"%s\",\"to\":[\"@bob\",\"@carol\"],\"message\":1}\r\n--x\r\n"
        "Content-Disposition: form-data; name=\"f.pdf\"; filename=\"f\"\r\n\r\nhello\r\n--x--\r\n")


def prepare(daemon):
    """Something of everything: users, queues, dead letters, what is scheduled, files."""
    def do(method, path, body, headers=None, expected=200):
        status, _, data = daemon.ask(method, path, body, headers)
        if status != expected:
            raise RuntimeError(f"{method} {path}: {status} {data[:200]}")

    do("POST", "/signup", "name=admin&password=secret",
       {"Content-Type": "application/x-www-form-urlencoded"}, 302)
    users = [{"_id": name, "password": f"{name}-pw", "tags": ["people"]}
             for name in ("bob", "carol", "dave", "eve")]
    users.append({"_id": "erp", "password": "erp-pw", "ttl": 60, "connection_properties":
                  {"url": "http://127.0.0.1:1/bus", "secret": "s3cr3t"}})
    users.append({"_id": "odd", "password": "odd-pw", "connection_properties":
                  {"type": "fax", "url": "fax:1"}})
    do("POST", "/put_users", json.dumps(users), ADMIN)
    for number, to in enumerate(["@bob", "@bob", "@carol", "@dave", "@erp", "@odd", "#people"]):
        do("POST", "/put", json.dumps({"_id": f"m{number}", "to": [to], "message": 1}), ADMIN)
    do("POST", "/put", json.dumps({"_id": "later", "to": "@bob", "message": 1,
                                   "not_before": 4000000000, "ttl": 60}), ADMIN)
    for name in ("scan", "photo"):
        do("POST", "/put", FORM % name, dict(
            ADMIN, **{"Content-Type": "multipart/form-data; boundary=x"}))
    do("DELETE", PREFIX + "/users/dave", None, ADMIN, 204)


# (operation, path, body, who, status): what is asked for, in this order. The path is that of the
# document where it has no variable segment, and may have a query.
REQUESTS = [
    ("getOverview", None, None, ADMIN, 200),
    ("getHealth", None, None, ADMIN, 200),
    ("getHealth", None, None, dict(ADMIN, **{"X-Forwarded-For": "203.0.113.7", "Via": "1.1 x"}), 200),
    ("getConfiguration", None, None, ADMIN, 200),
    ("listPlugins", None, None, ADMIN, 200),
    ("listSessions", None, None, ADMIN, 200),
    ("listSessions", "?limit=0", None, ADMIN, 400),
    ("listTransfers", None, None, ADMIN, 200),
    ("listTransfers", "?limit=x", None, ADMIN, 400),
    ("streamEvents", "?interval=0", None, ADMIN, 400),
    ("streamFlow", "?what=x", None, ADMIN, 400),
    ("streamFlow", "?user=nobody", None, ADMIN, 404),
    ("followMessage", "/messages/nothing/events", None, BOB, 404),
    ("listFiles", None, None, ADMIN, 200),
    ("listFiles", "?limit=1", None, ADMIN, 200),
    ("listFiles", "?recipient=bob&sender=admin", None, ADMIN, 200),
    ("listFiles", "?recipient=nobody", None, ADMIN, 404),
    ("listFiles", "?after=x", None, ADMIN, 400),
    ("getFile", "/files/scan_f.pdf", None, ADMIN, 200),
    ("getFile", "/files/scan_f.pdf?limit=1", None, ADMIN, 200),
    ("getFile", "/files/scan_f.pdf?after=x", None, ADMIN, 400),
    ("getFile", "/files/nothing", None, ADMIN, 404),
    ("dropFile", "/files/scan_f.pdf", None, ADMIN, 204),
    ("dropFile", "/files/scan_f.pdf", None, ADMIN, 404),
    ("listQueues", None, None, ADMIN, 200),
    ("listQueues", "?order=backlog&limit=2", None, ADMIN, 200),
    ("listQueues", "?order=backlog&after=1", None, ADMIN, 400),
    ("getQueue", "/queues/erp", None, ADMIN, 200),
    ("getQueue", "/queues/odd", None, ADMIN, 200),
    ("getQueue", "/queues/eve", None, ADMIN, 200),
    ("getQueue", "/queues/nobody", None, ADMIN, 404),
    ("pauseQueue", "/queues/bob/pause", None, ADMIN, 200),
    ("pauseQueue", "/queues/nobody/pause", None, ADMIN, 404),
    ("resumeQueue", "/queues/bob/resume", None, ADMIN, 200),
    ("resumeQueue", "/queues/nobody/resume", None, ADMIN, 404),
    ("listDeliveries", None, None, ADMIN, 200),
    ("listDeliveries", "?limit=1", None, ADMIN, 200),
    ("listDeliveries", "?state=dead", None, ADMIN, 200),
    ("listDeliveries", "?sender=nobody", None, ADMIN, 404),
    ("listDeliveries", "?state=lost", None, ADMIN, 400),
    ("getDelivery", "/deliveries/2:m0", None, ADMIN, 200),
    ("getDelivery", "/deliveries/2:later", None, ADMIN, 200),
    ("getDelivery", "/deliveries/4:m3", None, ADMIN, 200),
    ("getDelivery", "/deliveries/2:no", None, ADMIN, 404),
    ("getMessage", "/deliveries/2:m0/message", None, ADMIN, 200),
    ("getMessage", "/deliveries/2:no/message", None, ADMIN, 404),
    ("requeueDelivery", "/deliveries/2:later/requeue", None, ADMIN, 200),
    ("requeueDelivery", "/deliveries/4:m3/requeue", None, ADMIN, 409),
    ("requeueDelivery", "/deliveries/2:no/requeue", None, ADMIN, 404),
    ("moveDelivery", "/deliveries/4:m3/move", {"to": "eve"}, ADMIN, 200),
    ("moveDelivery", "/deliveries/4:m3/move", {"to": "eve"}, ADMIN, 409),
    ("moveDelivery", "/deliveries/2:m0/move", {"to": 1}, ADMIN, 400),
    ("moveDelivery", "/deliveries/2:m0/move", {"to": "nobody"}, ADMIN, 404),
    ("dropDelivery", "/deliveries/2:m0/drop", None, ADMIN, 200),
    ("dropDelivery", "/deliveries/2:m0/drop", None, ADMIN, 409),
    ("dropDelivery", "/deliveries/2:no/drop", None, ADMIN, 404),
    ("requeueDeliveries", None, {"deliveries": ["2:later", "x"]}, ADMIN, 200),
    ("requeueDeliveries", None, {"deliveries": []}, ADMIN, 400),
    ("moveDeliveries", None, {"deliveries": ["2:m1", "2:no"], "to": "carol"}, ADMIN, 200),
    ("moveDeliveries", None, {"deliveries": ["2:m1"], "to": "nobody"}, ADMIN, 404),
    ("moveDeliveries", None, {"deliveries": ["2:m1"]}, ADMIN, 400),
    ("dropDeliveries", None, {"deliveries": ["3:m1", "3:m1"]}, ADMIN, 200),
    ("dropDeliveries", None, {"deliveries": [1]}, ADMIN, 400),
    ("preview", None, {"to": ["#people", "@nobody"], "sender": "bob"}, ADMIN, 200),
    ("preview", None, {"to": "$all", "sender": "nobody"}, ADMIN, 404),
    ("preview", None, {"to": 1}, ADMIN, 400),
    ("listUsers", None, None, ADMIN, 200),
    ("listUsers", "?limit=1&after=bob", None, ADMIN, 200),
    ("listUsers", "?expand=queue&search=B", None, ADMIN, 200),
    ("listUsers", "?limit=0", None, ADMIN, 400),
    ("listUsers", "?expand=tags", None, ADMIN, 400),
    ("importUsers", "?check=1", [{"_id": "new"}, {"_id": "bob", "tags": ["x"]}], ADMIN, 200),
    ("importUsers", None, [{"_id": "new", "password": "new-pw"}], ADMIN, 200),
    ("importUsers", None, [{"_id": "newer"}], ADMIN, 400),
    ("importUsers", None, 1, dict(ADMIN, **{"Content-Type": "text/html"}), 415),
    ("getUser", "/users/bob", None, ADMIN, 200),
    ("getUser", "/users/erp", None, ADMIN, 200),
    ("getUser", "/users/nobody", None, ADMIN, 404),
    ("removeUser", "/users/eve", None, ADMIN, 204),
    ("removeUser", "/users/eve", None, ADMIN, 404),
    ("removeUser", "/users/admin", None, ADMIN, 409),
    ("closeSession", "/sessions/carol", None, ADMIN, 204),
    ("closeSession", "/sessions/carol", None, ADMIN, 404),
    ("getBackup", None, None, ADMIN, 200),
    ("getMe", None, None, BOB, 200),
    ("getMe", None, None, ADMIN, 200),
    ("listMyDeliveries", None, None, BOB, 200),
    ("listMyDeliveries", "?direction=out&limit=1", None, ADMIN, 200),
    ("listMyDeliveries", "?direction=up", None, BOB, 400),
    ("getMyMessage", "/me/deliveries/2:later/message", None, BOB, 200),
    ("getMyMessage", "/me/deliveries/3:m2/message", None, BOB, 404),
    ("listMyFiles", None, None, BOB, 200),
    ("listMyFiles", "?after=x", None, BOB, 400),
    ("setPassword", None, {"old": "bob-pw", "new": "bob-pw"}, BOB, 200),
    ("setPassword", None, {"old": "wrong", "new": "x"}, BOB, 403),
    ("setPassword", None, {"old": "x"}, BOB, 400),
    ("drawQr", None, {"text": "Ж"}, BOB, 200),
    ("drawQr", None, {"text": ""}, BOB, 400),
    ("makeSettings", "/users/bob/settings", {"password": "x"}, BOB, 200),
    ("makeSettings", "/users/bob/settings", {}, ADMIN, 200),
    ("makeSettings", "/users/carol/settings", {}, BOB, 403),
    ("makeSettings", "/users/nobody/settings", {}, ADMIN, 404),
    ("makeSettings", "/users/bob/settings", {"pin": 1}, ADMIN, 400),
    ("getDescription", None, None, BOB, 200),
    ("getConsole", None, None, {}, 200),
    ("signIn", None, {"user": "bob", "password": "bob-pw"}, CONSOLE, 200),
    ("signIn", None, {"user": "bob", "password": "wrong"}, CONSOLE, 401),
    ("signIn", None, {"user": "bob"}, CONSOLE, 400),
    ("signIn", None, {"user": "bob", "password": "bob-pw"}, {}, 403),
    ("signOut", None, None, CONSOLE, 204),
    ("signOut", None, None, {}, 403),
    ("signUp", None, {"name": "frank", "password": "frank-pw"}, CONSOLE, 201),
    ("signUp", None, {"name": "frank", "password": "frank-pw"}, CONSOLE, 409),
    ("signUp", None, {"name": "frank"}, CONSOLE, 400),
    ("signUp", None, {"name": "frank", "password": "frank-pw"}, {}, 403),
]


class Visit:
    def __init__(self, document, daemon):
        self.document = document
        self.daemon = daemon
        self.validator = Validator(document)
        self.operations = {operation["operationId"]: (method, path, operation)
                           for method, path, operation in operations(document)}
        self.answered = set()

    def judge(self, name, answer, where):
        """Whether an answer is one of those that the operation has."""
        status, kind, body = answer
        operation = self.operations[name][2]
        described = operation["responses"].get(str(status))
        if described is None:
            fail(f"{where}: {status} is not described: {body[:200]}")
            return
        content = self.validator.resolve(described).get("content", {})
        self.answered.add((name, status))
        if (kind or None) not in (content.keys() or {None}):
            fail(f"{where}: {kind} is not described")
        elif kind.endswith("json"):
            for error in self.validator.errors(json.loads(body), content[kind]["schema"], where):
                fail(error)

    def ask(self, name, path, body, headers, expected):
        method, described, operation = self.operations[name]
        if path is None or path.startswith("?"):
            path = described + (path or "")
        elif plain(re.sub(r"/[^/?]+(?=/|\?|$)", "/{}", path)).count("/") != described.count("/"):
            fail(f"{name}: {path} is not of {described}")
        where = f"{method} {path}"
        if body is not None and expected // 100 == 2:
            schema = operation["requestBody"]["content"]["application/json"]["schema"]
            for error in self.validator.errors(body, schema, f"{where} (request)"):
                fail(error)
        text = json.dumps(body) if body is not None else None
        answer = self.daemon.ask(method, PREFIX + path, text, headers)
        if answer[0] != expected:
            fail(f"{where}: {answer[0]} instead of {expected}: {answer[2][:200]}")
        self.judge(name, answer, where)
        return answer

    def try_access(self):
        """Every operation × stranger and user; and a parameter that nobody knows."""
        for name, (method, path, operation) in self.operations.items():
            access = operation.get("x-access", "admin")
            concrete = PREFIX + re.sub(r"\{[^}]*\}", "x", path)
            if access != "anybody":
                answer = self.daemon.ask(method, concrete)
                if answer[0] != 401:
                    fail(f"{method} {path}: a stranger gets {answer[0]}")
                self.judge(name, answer, f"{method} {path} (stranger)")
            if access == "admin":
                answer = self.daemon.ask(method, concrete, None, BOB)
                if answer[0] != 403:
                    fail(f"{method} {path}: a user gets {answer[0]}")
                self.judge(name, answer, f"{method} {path} (user)")
                answer = self.daemon.ask(method, concrete + "?nonsense=1", None, ADMIN)
                if answer[0] != 400:
                    fail(f"{method} {path}: an unknown parameter gets {answer[0]}")

    def try_streams(self):
        def act():
            self.daemon.ask("POST", "/put", '{"_id":"seen","to":"@bob","message":1}', ADMIN)

        for name, path, schema, maker in [
                ("streamEvents", "/events", "Overview", None),
                ("streamFlow", "/live?what=accepted", "Flow", act),
                ("followMessage", "/messages/seen/events", "Status", None)]:
            status, kind, data = self.daemon.read_event(path, ADMIN, maker)
            self.answered.add((name, status))
            if kind != "text/event-stream":
                fail(f"GET {path}: {kind}")
            for error in self.validator.errors(
                    json.loads(data), {"$ref": f"#/components/schemas/{schema}"}, f"GET {path}"):
                fail(error)

    def run(self):
        self.try_access()
        peer = self.daemon.open_session("carol", "carol-pw")
        for name, path, body, headers, expected in REQUESTS:
            if name in self.operations:
                self.ask(name, path, body, headers, expected)
            else:
                fail(f"REQUESTS: the document has no operation {name}")
        peer.close()
        self.try_streams()
        served = json.loads(self.daemon.ask("GET", PREFIX + "/openapi.json", None, BOB)[2])
        if served != self.document:
            fail("the daemon serves another document; build it again")
        for name, (method, path, operation) in self.operations.items():
            good = next(int(status) for status in operation["responses"] if status[0] == "2")
            if (name, good) not in self.answered:
                fail(f"{method} {path}: nobody asked for it; add a row to REQUESTS")


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__.strip())
    top = Path(sys.argv[1])
    document = json.loads((top / "data/openapi.json").read_text("utf-8"))
    compare_routes(document, read_routes(top))
    os.environ.pop("G_DEBUG", None)
    with tempfile.TemporaryDirectory() as folder:
        daemon = Daemon(sys.argv[2], folder + "/data")
        try:
            prepare(daemon)
            Visit(document, daemon).run()
        finally:
            daemon.stop()
    for failure in failures:
        print(failure)
    print(f"{sum(1 for _ in operations(document))} operations, {len(failures)} differences")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
