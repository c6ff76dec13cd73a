# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every key that the bus knows is in data/simplebus.ini with its default, and no other.

The comment above a key says "Takes a restart" exactly when a reload does not bring it into force.

Usage: check-ini.py SIMPLEBUSD SIMPLEBUS_INI
"""
import re
import subprocess
import sys


RE_RESTART = re.compile(r"\btakes a restart\b", re.IGNORECASE)


def declared_keys(daemon):
    """The keys of the bus and of all plugins in the build tree: `group.key` -> (default, restart)."""
    lines = subprocess.run(
        [daemon, "--config", "/dev/null", "--list-keys"], check=True, capture_output=True, text=True
    ).stdout.splitlines()
    keys = {}
    for line in lines:
        assignment, _, effect, _ = line.split("\t")
        key, default = assignment.split("=", 1)
        keys[key] = (default, effect == "restart")
    return keys


def documented_keys(path):
    """The same, from the comments of the file."""
    keys, group, comment = {}, None, ""
    with open(path, encoding="utf-8") as file:
        for line in file:
            if match := re.match(r"\[([a-z-]+)\]$", line):
                group = match[1]
            elif match := re.match(r"#([a-z-]+)=(.*)$", line):
                keys[f"{group}.{match[1]}"] = (match[2], bool(RE_RESTART.search(comment)))
            elif line.startswith("# "):
                comment += line[1:].rstrip()
            else:
                comment = ""
    return keys


def main():
    declared, documented = declared_keys(sys.argv[1]), documented_keys(sys.argv[2])
    faults = [f"{key} is not documented" for key in declared.keys() - documented.keys()]
    faults += [f"{key} does not exist" for key in documented.keys() - declared.keys()]
    faults += [
        f"{key}: the default is {declared[key][0]!r}, not {documented[key][0]!r}"
        for key in declared.keys() & documented.keys()
        if declared[key][0] != documented[key][0]
    ]
    faults += [
        f"{key} {'takes a restart' if declared[key][1] else 'is taken over by a reload'}"
        for key in declared.keys() & documented.keys()
        if declared[key][1] != documented[key][1]
    ]
    for fault in sorted(faults):
        print(f"{sys.argv[2]}: {fault}")
    return 1 if faults else 0


sys.exit(main())
