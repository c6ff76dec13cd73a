#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""check-po: what people read is translated.

    check-po.py [TOP]

Every source with translatable text is in po/POTFILES, every such text has a translation in every
language of po/LINGUAS, and the placeholders of both agree. Ends with 1 when something is missing.
"""

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

KEYWORDS = ["_", "N_", "C_:1c,2", "NC_:1c,2", "ngettext:1,2", "g_dngettext:2,3"]


def lines(path):
    return [line for line in path.read_text(encoding="utf-8").split("\n")
            if line and not line.startswith("#")]


def sources(top):
    """Files that include the header of the translations."""
    for folder in ("core", "client", "plugins"):
        for path in sorted((top / folder).rglob("*.c")):
            if re.search(r'#\s*include\s*<glib/gi18n', path.read_text(encoding="utf-8")):
                yield str(path.relative_to(top))


def run(*words):
    """What a program of gettext says; it speaks English then."""
    done = subprocess.run(words, capture_output=True, text=True, check=False,
                          env={**os.environ, "LC_ALL": "C.UTF-8", "LANGUAGE": ""})
    return done.returncode, done.stderr.strip()


def check(top):
    listed = lines(top / "po/POTFILES")
    for name in sources(top):
        if name not in listed:
            yield f"{name}: has translatable text; add it to po/POTFILES"
    for name in listed:
        if not (top / name).exists():
            yield f"po/POTFILES: {name} does not exist; remove it"
    with tempfile.TemporaryDirectory() as folder:
        pot = Path(folder) / "all.pot"
        words = [f"--keyword={keyword}" for keyword in KEYWORDS]
        status, said = run("xgettext", "--from-code=UTF-8", "--add-comments", *words, "-o", str(pot),
                           "-D", str(top), *(name for name in listed if (top / name).exists()))
        if status != 0:
            yield f"xgettext: {said}"
            return
        for language in lines(top / "po/LINGUAS"):
            po = top / "po" / f"{language}.po"
            status, said = run("msgfmt", "--check-format", "-o", os.devnull, str(po))
            if status != 0:
                yield said
            status, said = run("msgcmp", str(po), str(pot))
            if status != 0:
                yield f"{said}\npo/{language}.po: translate these"


def main():
    top = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent.parent).resolve()
    faults = list(check(top))
    for fault in faults:
        print(fault)
    if not faults:
        print("all texts are translated")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
