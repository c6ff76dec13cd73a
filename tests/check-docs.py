#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""check-docs: every link of the documents leads somewhere.

    check-docs.py [TOP]

Lists the Markdown files of the tree with their titles. For each link to a file of the tree the file
must exist, and for each #anchor the heading; links to other hosts are left alone. Ends with 1 if one
leads nowhere.
"""

import re
import sys
from pathlib import Path

RE_FENCE = re.compile(r"^(```|~~~).*?^\1\s*$", re.DOTALL | re.MULTILINE)
RE_CODE = re.compile(r"`[^`\n]*`")
RE_LINK = re.compile(r"\[[^\]]*\]\(\s*<?([^)>\s]+)>?[^)]*\)")
RE_HEADING = re.compile(r"^#{1,6}\s+(.*?)\s*#*$", re.MULTILINE)


def documents(top):
    """README first, then the others of the top folder, then docs/ and the rest."""
    found = [path for path in top.rglob("*.md")
             if not any(part.startswith((".", "build")) or part == "run"
                        for part in path.relative_to(top).parts)]
    return sorted(found, key=lambda path: (len(path.relative_to(top).parts),
                                           path.name != "README.md", str(path)))


def without_code(text):
    """The same text with code blanked; line numbers stay."""
    text = RE_FENCE.sub(lambda match: re.sub(r"[^\n]", " ", match.group(0)), text)
    return RE_CODE.sub(lambda match: " " * len(match.group(0)), text)


def anchors(text):
    """The names that a forge gives the headings: lower case, no punctuation, dashes for spaces."""
    text = RE_FENCE.sub("", text)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
            for heading in RE_HEADING.findall(text)}


def dead_links(path):
    text = without_code(path.read_text(encoding="utf-8"))
    for match in RE_LINK.finditer(text):
        target, _, anchor = match.group(1).partition("#")
        if re.match(r"[a-z]+:", target):
            continue
        line = text.count("\n", 0, match.start()) + 1
        other = path.parent / target if target else path
        if not other.exists():
            yield line, f"{target} does not exist"
        elif anchor and other.suffix == ".md" and anchor not in anchors(other.read_text("utf-8")):
            yield line, f"{other.name} has no heading #{anchor}"


def main():
    top = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent.parent).resolve()
    dead = 0
    for path in documents(top):
        name = path.relative_to(top)
        heading = RE_HEADING.search(path.read_text(encoding="utf-8"))
        print(f"{str(name):28} {heading.group(1) if heading else '(no title)'}")
        for line, why in dead_links(path):
            print(f"{name}:{line}: {why}; mend the link")
            dead += 1
    return 1 if dead else 0


if __name__ == "__main__":
    sys.exit(main())
