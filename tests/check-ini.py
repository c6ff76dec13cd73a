# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every key that the bus knows is in data/simplebus.ini with its default, and no other.

Usage: check-ini.py SIMPLEBUSD SIMPLEBUS_INI
"""
import re
import subprocess
import sys


def declared_keys(daemon):
    """The keys of the bus and of all plugins in the build tree: `group.key` -> default."""
    lines = subprocess.run(
        [daemon, "--config", "/dev/null", "--list-keys"], check=True, capture_output=True, text=True
    ).stdout.splitlines()
    return dict(line.split("\t")[0].split("=", 1) for line in lines)


def documented_keys(path):
    """The same, from the comments of the file."""
    keys, group = {}, None
    with open(path, encoding="utf-8") as file:
        for line in file:
            if match := re.match(r"\[([a-z-]+)\]$", line):
                group = match[1]
            elif match := re.match(r"#([a-z-]+)=(.*)$", line):
                keys[f"{group}.{match[1]}"] = match[2]
    return keys


def main():
    declared, documented = declared_keys(sys.argv[1]), documented_keys(sys.argv[2])
    faults = [f"{key} is not documented" for key in declared.keys() - documented.keys()]
    faults += [f"{key} does not exist" for key in documented.keys() - declared.keys()]
    faults += [
        f"{key}: the default is {declared[key]!r}, not {documented[key]!r}"
        for key in declared.keys() & documented.keys()
        if declared[key] != documented[key]
    ]
    for fault in sorted(faults):
        print(f"{sys.argv[2]}: {fault}")
    return 1 if faults else 0


sys.exit(main())
