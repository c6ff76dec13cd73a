#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""check-source: the house rules as code.

    check-source.py [TOP]

Reads every hand-written file below TOP (the tree it lies in, when not given) and prints one line
for each broken rule: file:line, what is wrong, and what to do instead. Ends with 1 if there was any.
The rules themselves are explained in CONTRIBUTING.md.
"""

import os
import re
import sys
from pathlib import Path

MAX_COLUMNS = 100
MAX_FILE_LINES = 800
MAX_FUNCTION_LINES = 120

SPDX = "SPDX-License-Identifier: LGPL-2.1-or-later"
C_SUFFIXES = {".c", ".h"}
SCRIPT_SUFFIXES = {".py", ".sh"}
TEXT_SUFFIXES = {
    ".build", ".conf", ".css", ".html", ".in", ".ini", ".js", ".json", ".md", ".po", ".txt",
    ".yaml", ".yml",
}
TEXT_NAMES = {"Caddyfile", "LINGUAS", "POTFILES", "dev", "run"}
# Not ours to format: the licence's own text, and inputs of tests that are odd on purpose.
SKIPPED_FOLDERS = {"corpus", "run", "__pycache__", "node_modules"}

BANNED_TYPES = {
    "gchar": "char", "gint": "int", "gshort": "short", "glong": "gint64 or long",
    "gfloat": "float", "gdouble": "double",
}
BANNED_CALLS = {
    "strcpy": "g_strlcpy, or g_strdup",
    "strcat": "g_strconcat, or a GString",
    "sprintf": "g_snprintf, or g_strdup_printf",
    "vsprintf": "g_vsnprintf, or g_strdup_vprintf",
    "gets": "g_data_input_stream_read_line",
    "strtok": "g_strsplit, or a scanner of your own",
    "atoi": "g_ascii_string_to_signed, which says when the text is no number",
    "atol": "g_ascii_string_to_signed, which says when the text is no number",
    "atof": "g_ascii_strtod, which is independent of the locale",
    "alloca": "g_malloc with g_autofree, so that size can not overflow the stack",
    "g_alloca": "g_malloc with g_autofree, so that size can not overflow the stack",
}
SLEEPING_CALLS = ("sleep", "usleep", "nanosleep", "g_usleep")

RE_INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
RE_COMMENT_OR_LITERAL = re.compile(
    r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.DOTALL
)
# The brackets keep this file from finding itself.
RE_UNFINISHED = re.compile(r"\b(?:TO[D]O|FIX[M]E|X[X]X)\b")
RE_MACHINE_PATH = re.compile(r"(?<![\w.~$}])/(?:hom[e]|roo[t])/")


def blank(text):
    """The same text with all but its line ends blanked, so that places stay what they were."""
    return re.sub(r"[^\n]", " ", text)


def code_only(text):
    """Source without comments and literals; the names in #include lines are read elsewhere."""
    return RE_COMMENT_OR_LITERAL.sub(lambda match: blank(match.group(0)), text)


class Checker:
    def __init__(self, top):
        self.top = top
        self.failures = []
        self.core_headers = {path.name for path in (top / "core").glob("*.h")}

    def fail(self, path, line, what, instead):
        self.failures.append(f"{path.relative_to(self.top)}:{line}: {what}; {instead}")

    # Every text file

    def check_text(self, path, lines, text):
        for number, line in enumerate(lines, 1):
            if line != line.rstrip():
                self.fail(path, number, "white space at the end of the line", "remove it")
            if match := RE_UNFINISHED.search(line):
                self.fail(path, number, f"unfinished mark {match.group(0)}",
                          "finish it now, or open an issue and say nothing here")
            if RE_MACHINE_PATH.search(line):
                self.fail(path, number, "a path of one machine",
                          "name it relative to the tree, or take it from the environment")
        if text and not text.endswith("\n"):
            self.fail(path, len(lines), "no line end at the end of the file", "add one")
        if text.endswith("\n\n"):
            self.fail(path, len(lines), "empty line at the end of the file", "remove it")

    def check_script(self, path, lines):
        if not any(SPDX in line for line in lines[:3]):
            self.fail(path, 1, "no licence in the first three lines", f"add '# {SPDX}'")

    # C

    def check_head(self, path, lines):
        if not lines or lines[0] != f"/* {SPDX} */":
            self.fail(path, 1, "the first line is not the licence", f"make it '/* {SPDX} */'")
        head = lines[1:3]
        opening = head[0].removeprefix("/*").strip(" */") if head else ""
        if not head or not head[0].startswith("/*") or not (opening or len(head) > 1):
            self.fail(path, 2, "no comment that says what the file is for",
                      "say it in a few lines right below the licence")

    def check_lines(self, path, lines):
        for number, line in enumerate(lines, 1):
            if "\t" in line:
                self.fail(path, number, "a tab", "indent with spaces, write \\t in a literal")
            if len(line) > MAX_COLUMNS:
                self.fail(path, number, f"{len(line)} columns",
                          f"break the line at {MAX_COLUMNS}; './dev format' does it")
        if len(lines) > MAX_FILE_LINES:
            self.fail(path, len(lines), f"{len(lines)} lines in one file",
                      f"split it by idea; {MAX_FILE_LINES} is the most")

    def check_functions(self, path, code_lines):
        """A function starts at a brace in the first column and ends at a bare one."""
        start = None
        for number, line in enumerate(code_lines, 1):
            if line.startswith("{"):
                start = number
            elif line.startswith("}"):
                length = number - start if start else 0
                if line.rstrip() == "}" and length > MAX_FUNCTION_LINES:
                    self.fail(path, start, f"a function of {length} lines",
                              f"take parts out by name; {MAX_FUNCTION_LINES} is the most")
                start = None

    def check_words(self, path, code_lines):
        in_tests = path.relative_to(self.top).parts[0] == "tests"
        for number, line in enumerate(code_lines, 1):
            for word in re.findall(r"\b[A-Za-z_]\w*\b", line):
                if word in BANNED_TYPES:
                    self.fail(path, number, word, f"write {BANNED_TYPES[word]}")
                elif word == "goto":
                    self.fail(path, number, "goto", "return early; g_autoptr cleans up")
            for call in re.findall(r"(?<![\w.>])([a-z_]+)\s*\(", line):
                if call in BANNED_CALLS:
                    self.fail(path, number, f"{call}()", f"use {BANNED_CALLS[call]}")
                elif in_tests and call in SLEEPING_CALLS:
                    self.fail(path, number, f"{call}() in a test",
                              "wait for the event (sb_test_wait_flag), or set the fake clock")

    def check_includes(self, path, lines):
        folder = path.relative_to(self.top).parts[0]
        includes = [(number, match.group(1), match.group(2))
                    for number, line in enumerate(lines, 1) if (match := RE_INCLUDE.match(line))]
        own = {name for name in (path.stem + ".h", path.stem + "-private.h")
               if (path.parent / name).exists()}
        if path.suffix == ".c" and own and includes and includes[0][2] not in own:
            self.fail(path, includes[0][0], f"the first include is not {' or '.join(sorted(own))}",
                      "put it first, so that the header proves to stand alone")
        for number, _, name in includes:
            base = name.rsplit("/", 1)[-1]
            if folder == "core" and (name.startswith("libsoup/") or base == "sqlite3.h"):
                self.fail(path, number, f"the core includes {name}",
                          "only a plugin may know it; go through an interface of the core")
            local = (path.parent / name).exists()
            if folder == "plugins" and base in self.core_headers - {"simplebus.h"} and not local:
                self.fail(path, number, f"a plugin includes {name}",
                          'include "simplebus.h", the only header that plugins see')

    def check_c(self, path, lines, text):
        code_lines = code_only(text).split("\n")
        self.check_head(path, lines)
        self.check_lines(path, lines)
        self.check_functions(path, code_lines)
        self.check_words(path, code_lines)
        self.check_includes(path, lines)
        if path.suffix == ".h" and "#pragma once" not in lines:
            self.fail(path, 1, "no '#pragma once'", "add it below the head comment")

    # The tree

    def check_file(self, path):
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError as error:
            self.fail(path, 1, f"not UTF-8 ({error.reason} at byte {error.start})", "convert it")
            return
        lines = text.split("\n")[:-1] if text.endswith("\n") else text.split("\n")
        self.check_text(path, lines, text)
        if path.suffix in C_SUFFIXES:
            self.check_c(path, lines, text)
        elif path.suffix in SCRIPT_SUFFIXES or path.name in {"dev", "run"}:
            self.check_script(path, lines)

    def files(self):
        known = C_SUFFIXES | SCRIPT_SUFFIXES | TEXT_SUFFIXES
        for folder, folders, names in os.walk(self.top):
            at_top = Path(folder) == self.top
            folders[:] = sorted(
                name for name in folders
                if name == ".ci" or not (name in SKIPPED_FOLDERS or name.startswith("."))
                and not (at_top and name.startswith("build"))
                and not (Path(folder) / name / "meson-private").exists())
            for name in sorted(names):
                path = Path(folder) / name
                if path.is_symlink() or not path.is_file():
                    continue
                if path.suffix in known or name in TEXT_NAMES:
                    yield path

    def run(self):
        count = 0
        for path in self.files():
            self.check_file(path)
            count += 1
        return count


def main():
    if len(sys.argv) > 2 or any(word.startswith("-") for word in sys.argv[1:]):
        sys.exit(__doc__.strip())
    top = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent.parent).resolve()
    checker = Checker(top)
    count = checker.run()
    for failure in checker.failures:
        print(failure)
    if count == 0:
        print(f"{top}: nothing to check; name the top of the source tree")
    elif checker.failures:
        print(f"{len(checker.failures)} broken rules in {count} files; CONTRIBUTING.md has them all")
    else:
        print(f"{count} files follow the house rules")
    return 1 if checker.failures or count == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
