#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""check-catalog: the events of the log, in the source, in the catalog and in the documents.

    check-catalog.py TOP

Each MESSAGE_ID of core/sb-names.h has to be used in the source, explained in data/simplebus.catalog
and listed in docs/operations.md, and there may be no others. The fields that these name have to be
known. Ends with 1 and a line for each fault.
"""

import re
import sys
from pathlib import Path

failures = []


def fail(what):
    failures.append(what)


def compare(what, found, ids):
    for name in sorted(name for name, number in ids.items() if number not in found):
        fail(f"{what}: there is nothing of SB_MESSAGE_ID_{name}, {ids[name]}")
    for number in sorted(set(found) - set(ids.values())):
        fail(f"{what}: {number} is not in core/sb-names.h")
    for number in sorted({number for number in found if found.count(number) > 1}):
        fail(f"{what}: {number} is there twice")


def check_uses(top, ids):
    text = "".join(path.read_text("utf-8") for folder in ("core", "plugins")
                   for path in (top / folder).rglob("*.c"))
    for name in ids:
        if not re.search(rf"\bSB_MESSAGE_ID_{name}\b", text):
            fail(f"core/sb-names.h: nobody writes a line with SB_MESSAGE_ID_{name}")


def check_fields(what, text, fields):
    for field in sorted(set(re.findall(r"\bSIMPLEBUS_[A-Z]+\b", text)) - fields):
        fail(f"{what}: no line has a field {field}")


def check_catalog(path, ids, fields):
    text = path.read_text("utf-8")
    entries = re.split(r"^-- ", text, flags=re.MULTILINE)
    compare(path.name, [entry[:32] for entry in entries[1:]], ids)
    check_fields(path.name, text, fields)
    for entry in entries[1:]:
        head, _, body = entry.partition("\n\n")
        if not re.fullmatch(r"[0-9a-f]{32}\nSubject: .+\nDefined-By: SimpleBus", head):
            fail(f"{path.name}: the head of {head[:32]} is not one of a catalog")
        if not body.strip():
            fail(f"{path.name}: {head[:32]} has no text")
        if len(re.findall("@", body)) != 2 * len(re.findall(r"@[A-Z_]+@", body)):
            fail(f"{path.name}: a field in the text of {head[:32]} does not end")


def main():
    top = Path(sys.argv[1])
    names = (top / "core/sb-names.h").read_text("utf-8")
    ids = dict(re.findall(r'#define SB_MESSAGE_ID_(\w+) "([0-9a-f]{32})"', names))
    fields = set(re.findall(r'#define SB_LOG_FIELD_\w+ "(\w+)"', names))
    if len(set(ids.values())) != len(ids) or not ids:
        fail("core/sb-names.h: two events have the same MESSAGE_ID")
    check_uses(top, ids)
    check_catalog(top / "data/simplebus.catalog", ids, fields)
    operations = (top / "docs/operations.md").read_text("utf-8")
    section = re.search(r"^## The log\n(.*?)(?=^## )", operations, re.MULTILINE | re.DOTALL).group(1)
    compare("docs/operations.md", re.findall(r"^\|[^|]*\| `([0-9a-f]{32})` \|", section,
                                             re.MULTILINE), ids)
    check_fields("docs/operations.md", section, fields)
    for number in sorted(set(re.findall(r"MESSAGE_ID=([0-9a-f]{32})", operations))):
        if number not in ids.values():
            fail(f"docs/operations.md: {number} is not in core/sb-names.h")
    for failure in failures:
        print(failure)
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
