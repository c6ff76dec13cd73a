#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""check-console: what of the web console can be seen without a browser.

    check-console.py [TOP]

Every text of the console has a translation and every translation a text; placeholders agree; plural
forms are as many as the language has; all files are in the module, and none may write markup, run text
as a program or load from elsewhere. Ends with 1 when something is wrong.
"""

import re
import sys
from pathlib import Path

STRING = r'"((?:[^"\\]|\\.)*)"'
RE_TEXT = re.compile(r"\bt\(\s*" + STRING)
RE_PLURAL = re.compile(r"\btn\(\s*[^\"]+?,\s*" + STRING + r"\s*,\s*" + STRING)
RE_ENTRY = re.compile(r"^\s{2}" + STRING + r":\s*(?:" + STRING + r"|\[([^\]]*)\]),?$", re.MULTILINE)
RE_PLACEHOLDER = re.compile(r"\{\w+\}")

# What would let data become markup or program, whatever the policy says.
FORBIDDEN = {
    r"\binnerHTML\b|\bouterHTML\b|insertAdjacentHTML|document\.write": "writes markup; use h()",
    r"\beval\b|new Function|setTimeout\(\s*[\"']": "runs text as a program",
    r"https?://(?!www\.w3\.org/2000/svg)(?![\w.]*example)": "loads from elsewhere",
    r"\bstyle=|\.style\b|\bstyle:(?!\s*\"(?:unit|short)\")": "inline style, which the policy forbids; use a class",
    r"javascript:": "a script in an address",
}

PLURAL_FORMS = {"ru": 3}


def without_comments(text):
    return re.sub(r"^\s*//.*$", "", text, flags=re.MULTILINE)


def wanted_texts(folder):
    """Each text with whether it is a plural, and a file that has it."""
    found = {}
    for path in sorted(folder.rglob("*.js")):
        if path.name.startswith("text-"):
            continue
        source = without_comments(path.read_text(encoding="utf-8"))
        for match in RE_TEXT.finditer(source):
            found.setdefault(match.group(1), (False, path.name))
        for match in RE_PLURAL.finditer(source):
            found[match.group(2)] = (True, path.name)
    return found


def entries(path):
    text = re.sub(r":\n\s+", ": ", path.read_text(encoding="utf-8"))
    for match in RE_ENTRY.finditer(text):
        forms = re.findall(STRING, match.group(3)) if match.group(3) is not None else match.group(2)
        yield match.group(1), forms


def check_translation(path, wanted):
    faults = []
    language = path.stem.split("-")[1]
    table = dict(entries(path))
    for text, (plural, where) in wanted.items():
        if text not in table:
            faults.append(f"{path.name}: no translation of \"{text}\" ({where})")
            continue
        forms = table[text] if isinstance(table[text], list) else [table[text]]
        if plural and len(forms) != PLURAL_FORMS[language]:
            faults.append(f"{path.name}: \"{text}\" needs {PLURAL_FORMS[language]} forms")
        for form in forms:
            if set(RE_PLACEHOLDER.findall(form)) != set(RE_PLACEHOLDER.findall(text)):
                faults.append(f"{path.name}: other placeholders in \"{form}\" than in \"{text}\"")
    faults += [f"{path.name}: nothing says \"{text}\"" for text in table if text not in wanted]
    return faults


def check_sources(folder):
    faults = []
    for path in sorted(folder.rglob("*")):
        if path.suffix not in (".js", ".html"):
            continue
        for number, line in enumerate(without_comments(path.read_text(encoding="utf-8")).split("\n"), 1):
            faults += [f"{path.relative_to(folder)}:{number}: {why}"
                       for pattern, why in FORBIDDEN.items() if re.search(pattern, line)]
    return faults


def check_module(folder):
    listed = set(re.findall(r"<file>([^<]+)</file>", (folder / "console.gresource.xml").read_text()))
    there = {str(path.relative_to(folder)) for path in folder.rglob("*")
             if path.suffix in (".js", ".html", ".css", ".svg")}
    return [f"console.gresource.xml: {name} is not in it" for name in sorted(there - listed)]


def main():
    top = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent.parent)
    folder = top / "data" / "console"
    wanted = wanted_texts(folder)
    faults = check_sources(folder) + check_module(folder)
    for path in sorted(folder.glob("text-*.js")):
        faults += check_translation(path, wanted)
    for fault in faults:
        print(fault)
    print(f"{len(wanted)} texts, {len(faults)} faults")
    return 1 if faults or not wanted else 0


sys.exit(main())
