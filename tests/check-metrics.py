#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""check-metrics: what /metrics prints, and what is written about it and made of it.

    check-metrics.py TOP SIMPLEBUSD

Starts a daemon and reads its /metrics as Prometheus would. The table in docs/operations.md has to
name every metric and nothing else; what the documents, the dashboard and the alert rules use has to
be there, with its labels. Ends with 1 and a line for each fault.
"""

import json
import math
import re
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path

SECONDS = 60
RE_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
RE_SERIES = re.compile(r"([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$")
RE_LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\["\\n])*)"(?:,|$)')
RE_MENTIONED = re.compile(r"\b(?:simplebus|process)_[a-z0-9_]+\b")
KINDS = ("counter", "gauge", "histogram")
# What Prometheus itself adds to all that it asks.
OF_PROMETHEUS = {"up": "gauge"}

failures = []


def fail(what):
    failures.append(what)


# What the daemon prints

def fetch():
    with tempfile.TemporaryDirectory(prefix="check-metrics-") as folder:
        config = Path(folder) / "simplebus.ini"
        config.touch()
        command = [sys.argv[2], "--config", config, "--data-dir", f"{folder}/data", "--print-ports"]
        for setting in ("transport-soup.listen=127.0.0.1", "transport-soup.http-port=0",
                        "transport-soup.websocket-port=0", "bus.metrics-token=check"):
            command += ["--set", setting]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            try:
                port = re.search(r"http=\S*:(\d+)", process.stdout.readline()).group(1)
                request = urllib.request.Request(f"http://127.0.0.1:{port}/metrics",
                                                 headers={"Authorization": "Bearer check"})
                opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
                with opener.open(request, timeout=SECONDS) as answer:
                    return answer.headers["Content-Type"], answer.read().decode()
            finally:
                process.terminate()
                process.wait(SECONDS)


class Exposition:
    """The text format 0.0.4; everything that is not as it should be is a failure."""

    def __init__(self, text):
        self.kinds = {}
        self.helps = {}
        self.series = {}
        self.current = None
        if not text.endswith("\n"):
            fail("/metrics: the last line has no end")
        for line in text.splitlines():
            self.take(line)
        for name in self.kinds:
            self.check_family(name)

    def take(self, line):
        if match := re.fullmatch(r"# (HELP|TYPE) (\S+) (.+)", line):
            self.take_comment(*match.groups())
        elif match := RE_SERIES.match(line):
            self.take_series(line, *match.groups())
        else:
            fail(f"/metrics: no line of Prometheus: {line}")

    def take_comment(self, what, name, text):
        table = self.helps if what == "HELP" else self.kinds
        if name in table:
            fail(f"/metrics: {name} has two lines of {what}")
        if what == "TYPE" and text not in KINDS:
            fail(f"/metrics: {name} is a {text}")
        table[name] = text
        self.current = name

    def family_of(self, name):
        for suffix in ("_bucket", "_sum", "_count"):
            base = name.removesuffix(suffix)
            if base != name and self.kinds.get(base) == "histogram":
                return base
        return name

    def take_series(self, line, name, labels, value):
        pairs = tuple(RE_LABEL.findall(labels or ""))
        if labels and "".join(f'{key}="{text}",' for key, text in pairs) != labels + ",":
            fail(f"/metrics: labels cannot be read: {line}")
        if self.family_of(name) != self.current:
            fail(f"/metrics: stands below {self.current}: {line}")
        if len(dict(pairs)) != len(pairs) or (name, frozenset(pairs)) in self.series:
            fail(f"/metrics: twice: {line}")
        try:
            self.series[name, frozenset(pairs)] = float(value)
        except ValueError:
            fail(f"/metrics: no number: {line}")

    def check_family(self, name):
        kind = self.kinds[name]
        if name not in self.helps:
            fail(f"/metrics: {name} has no HELP")
        if not re.match(r"(simplebus|process)_[a-z_]+$", name):
            fail(f"/metrics: {name} is not named like the others")
        if (kind == "counter") != name.endswith("_total"):
            fail(f"/metrics: {name} is a {kind}")
        if kind == "histogram":
            self.check_histogram(name)
        elif not any(key == name for key, _ in self.series):
            fail(f"/metrics: {name} has no series")

    def check_histogram(self, name):
        groups = {}
        for (series, labels), value in self.series.items():
            if series == name + "_bucket":
                rest = frozenset(pair for pair in labels if pair[0] != "le")
                end = dict(labels).get("le", "nan").replace("+Inf", "inf")
                groups.setdefault(rest, []).append((float(end), value))
        if not groups:
            fail(f"/metrics: {name} has no buckets")
        for labels, buckets in groups.items():
            counts = [value for _, value in sorted(buckets)]
            if sorted(buckets)[-1][0] != math.inf:
                fail(f"/metrics: {name} has no bucket +Inf")
            if counts != sorted(counts):
                fail(f"/metrics: the buckets of {name} are not cumulative")
            if self.series.get((name + "_count", labels)) != counts[-1]:
                fail(f"/metrics: the count of {name} is not that of its last bucket")
            if (name + "_sum", labels) not in self.series:
                fail(f"/metrics: {name} has no sum")

    def knows(self, name):
        return name in OF_PROMETHEUS or any(key == name for key, _ in self.series)

    def has_label(self, name, label, value=None):
        return any(key == name and pair[0] == label and value in (None, pair[1])
                   for key, labels in self.series for pair in labels)


# Expressions

class Expression:
    """As much of PromQL as is used here: reads it to its end, and notes the metrics in it."""

    RE_TOKEN = re.compile(r'\s*(?:(\d+(?:\.\d+)?(?:e[+-]?\d+)?)|([a-zA-Z_:][\w:]*)|("(?:[^"\\]|\\.)*")'
                          r"|(\[(?:\d+[smhdwy])+\]|\[\$__rate_interval\])"
                          r"|(==|!=|>=|<=|=~|!~|[-+*/%^<>=(){},]))")
    AGGREGATIONS = {"sum", "min", "max", "avg", "count", "topk"}
    # Name, and whether it wants a range.
    FUNCTIONS = {"rate": True, "increase": True, "changes": True, "deriv": True,
                 "max_over_time": True, "min_over_time": True, "histogram_quantile": False,
                 "time": False, "absent": False, "clamp_min": False, "label_values": False}
    OPERATORS = {"+", "-", "*", "/", "%", "^", "==", "!=", ">", "<", ">=", "<=", "and", "or",
                 "unless"}

    def __init__(self, text, where, known):
        self.where = where
        self.known = known
        self.tokens = []
        at = 0
        while at < len(text.rstrip()):
            match = self.RE_TOKEN.match(text, at)
            if match is None:
                raise ValueError(f"cannot be read from: {text[at:at + 30]}")
            self.tokens.append(match.group().strip())
            at = match.end()
        self.at = 0
        self.expression()
        if self.at < len(self.tokens):
            raise ValueError(f"goes on with {self.tokens[self.at]}")

    def peek(self):
        return self.tokens[self.at] if self.at < len(self.tokens) else None

    def next(self, expected=None):
        token = self.peek()
        if token is None or expected not in (None, token):
            raise ValueError(f"{token} instead of {expected or 'something'}")
        self.at += 1
        return token

    def expression(self):
        self.operand()
        while self.peek() in self.OPERATORS:
            self.next()
            if self.peek() == "bool":
                self.next()
            if self.peek() in ("on", "ignoring"):
                self.next()
                self.names()
            self.operand()

    def names(self):
        self.next("(")
        while self.peek() != ")":
            if not RE_NAME.fullmatch(self.next()):
                raise ValueError("a label was expected")
            if self.peek() == ",":
                self.next()
        self.next(")")

    def operand(self):
        """Returns whether it is a range."""
        token = self.next()
        if token == "-":
            return self.operand()
        if token == "(":
            self.expression()
            self.next(")")
        elif token in self.AGGREGATIONS:
            self.aggregation()
        elif self.peek() == "(":
            self.call(token)
        elif RE_NAME.fullmatch(token):
            return self.selector(token)
        elif not (token[0].isdigit() or token[0] == '"'):
            raise ValueError(f"{token} is no operand")
        return False

    def aggregation(self):
        if self.peek() in ("by", "without"):
            self.next()
            self.names()
        self.arguments()
        if self.peek() in ("by", "without"):
            self.next()
            self.names()

    def arguments(self):
        ranges = []
        self.next("(")
        while self.peek() != ")":
            start = self.at
            ranges.append(self.operand())
            if self.peek() in self.OPERATORS:
                self.at = start
                self.expression()
            if self.peek() == ",":
                self.next()
        self.next(")")
        return ranges

    def call(self, name):
        if name not in self.FUNCTIONS:
            raise ValueError(f"{name} is no function that this test knows")
        if any(self.arguments()) != self.FUNCTIONS[name]:
            raise ValueError(f"{name} has " + ("no range" if self.FUNCTIONS[name] else "a range"))

    def selector(self, name):
        if not self.known.knows(name):
            raise ValueError(f"there is no metric {name}")
        if self.peek() == "{":
            self.next()
            while self.peek() != "}":
                self.matcher(name, self.next(), self.next(), self.next().strip('"'))
                if self.peek() == ",":
                    self.next()
            self.next("}")
        if self.peek() is not None and self.peek().startswith("["):
            self.next()
            return True
        return False

    def matcher(self, name, label, operator, value):
        if label in ("job", "instance") or name in OF_PROMETHEUS:
            return
        if not self.known.has_label(name, label):
            raise ValueError(f"{name} has no label {label}")
        values = value.split("|") if operator in ("=~", "!~") else [value]
        for one in values:
            if one != ".+" and not self.known.has_label(name, label, one):
                raise ValueError(f'{name} has no {label}="{one}"')


def check_expression(text, where, known):
    try:
        Expression(text, where, known)
    except ValueError as error:
        fail(f"{where}: {error}: {text}")


# The documents

def check_documents(top, known):
    operations = (top / "docs/operations.md").read_text("utf-8")
    section = re.search(r"^## Metrics\n(.*?)(?=^## )", operations, re.MULTILINE | re.DOTALL)
    rows = re.findall(r"^\| `([a-z_]+)(?:\{[^`]*\})?` \|", section.group(1), re.MULTILINE)
    for name in sorted({name for name in rows if rows.count(name) > 1}):
        fail(f"docs/operations.md: {name} has two rows")
    for name in sorted(known.kinds.keys() - set(rows)):
        fail(f"docs/operations.md: the table of metrics has no row for {name}")
    for name in sorted(set(rows) - known.kinds.keys()):
        fail(f"docs/operations.md: there is no metric {name}")
    for path in [top / "README.md", *(top / "docs").glob("*.md")]:
        for name in sorted(set(RE_MENTIONED.findall(path.read_text("utf-8")))):
            # A module of Python may have such a name as well.
            if name.startswith("simplebus_client") or name.endswith("_"):
                continue
            if name not in known.kinds and not known.knows(name):
                fail(f"{path.name}: there is no metric {name}")


# The dashboard

def panels_of(dashboard):
    for panel in dashboard["panels"]:
        yield panel
        yield from panel.get("panels", [])


def check_dashboard(top, known):
    name = "grafana-dashboard.json"
    dashboard = json.loads((top / "data" / name).read_text("utf-8"))
    identities = set()
    if [one["type"] for one in dashboard["templating"]["list"]][0] != "datasource":
        fail(f"{name}: the first variable is not the data source")
    for panel in panels_of(dashboard):
        where = f"{name}: {panel['title']}"
        if panel["id"] in identities:
            fail(f"{where}: the id {panel['id']} is taken")
        identities.add(panel["id"])
        if panel["type"] == "row":
            continue
        if panel["datasource"]["uid"] != "${datasource}" or not panel.get("description"):
            fail(f"{where}: no data source, or no description")
        if not panel["targets"]:
            fail(f"{where}: shows nothing")
        for target in panel["targets"]:
            check_expression(target["expr"].replace("$instance", ".+"), where, known)


# The alert rules

def read_rules(path):
    """The rules of a file that is laid out as ours is: a key a line, texts folded below it."""
    rules, key = [], None
    for line in path.read_text("utf-8").splitlines():
        if match := re.fullmatch(r"      - alert: (\w+)", line):
            rules.append({"alert": match.group(1)})
        elif match := re.fullmatch(r" {8}(?:  )?(\w+):(?: (.*))?", line):
            if not rules:
                raise ValueError(f"a key before the first rule: {line}")
            key = match.group(1)
            if key in rules[-1]:
                fail(f"{path.name}: {rules[-1]['alert']} has {key} twice")
            rules[-1][key] = (match.group(2) or "").strip(">- '")
        elif rules and key and line.startswith(" " * 10):
            rules[-1][key] += " " + line.strip()
        elif line.strip() and not re.fullmatch(r" *#.*|groups:|  - name: simplebus|    rules:", line):
            fail(f"{path.name}: not laid out as the others: {line}")
    return rules


def check_rules(top, known):
    path = top / "data/prometheus-alerts.yml"
    rules = read_rules(path)
    names = [rule["alert"] for rule in rules]
    if len(set(names)) != len(names) or len(names) < 10:
        fail(f"{path.name}: rules are missing, or have the same name")
    for rule in rules:
        where = f"{path.name}: {rule['alert']}"
        for key in ("expr", "for", "severity", "summary", "description"):
            if not rule.get(key):
                fail(f"{where}: no {key}")
        if not re.fullmatch(r"\d+[smhd]", rule.get("for", "")):
            fail(f"{where}: for how long is that: {rule.get('for')}")
        if rule.get("severity") not in ("critical", "warning"):
            fail(f"{where}: the severity is {rule.get('severity')}")
        check_expression(rule.get("expr", ""), where, known)


def main():
    top = Path(sys.argv[1])
    kind, text = fetch()
    if kind != "text/plain; version=0.0.4; charset=utf-8":
        fail(f"/metrics: is {kind}")
    known = Exposition(text)
    check_documents(top, known)
    check_dashboard(top, known)
    check_rules(top, known)
    for failure in failures:
        print(failure)
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
