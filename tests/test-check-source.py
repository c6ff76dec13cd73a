#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""test-check-source: every house rule sees its fault, and nothing but its fault."""

import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

CHECK = Path(__file__).parent / "check-source.py"
HEAD = "/* SPDX-License-Identifier: LGPL-2.1-or-later */\n/* x: an example. */\n"
CLEAN = HEAD + '\n#include <glib.h>\n\nint\nf (int a)\n{\n  return a;\n}\n'
UNFINISHED = "TO" + "DO"
HOME = "/ho" + "me/somebody"

# name of the case: (path, text, line of the fault, words of the message)
FAULTS = {
    "licence missing": ("core/x.c", "/* GPL */\n" + CLEAN.split("\n", 1)[1], 1, "licence"),
    "purpose missing": ("core/x.c", HEAD.split("\n")[0] + "\n\nint a;\n", 2, "what the file is for"),
    "tab": ("core/x.c", HEAD + "int\ta;\n", 3, "a tab"),
    "long line": ("core/x.c", HEAD + "int a; /* " + "é" * 88 + " */\n", 3, "101 columns"),
    "long file": ("core/x.c", HEAD + "int a;\n" * 799, 801, "801 lines"),
    "long function": ("core/x.c", HEAD + "void\nf (void)\n{\n" + "  g ();\n" * 120 + "}\n", 5,
                      "a function of 121 lines"),
    "banned type": ("core/x.c", HEAD + "gchar *a;\n", 3, "write char"),
    "banned call": ("core/x.c", HEAD + "int\nf (char *a)\n{\n  return atoi (a);\n}\n", 6, "atoi()"),
    "jump": ("core/x.c", HEAD + "void\nf (void)\n{\n  goto out;\n}\n", 6, "goto"),
    "sleep in a test": ("tests/x.c", HEAD + "void\nf (void)\n{\n  g_usleep (1);\n}\n", 6, "g_usleep"),
    "header without guard": ("core/y.h", HEAD + "int a;\n", 1, "#pragma once"),
    "own header second": ("core/own.c", HEAD + '#include <glib.h>\n#include "own.h"\n', 3, "own.h"),
    "core sees soup": ("core/x.c", HEAD + "#include <libsoup/soup.h>\n", 3, "libsoup/soup.h"),
    "core sees sqlite": ("core/x.c", HEAD + "#include <sqlite3.h>\n", 3, "sqlite3.h"),
    "plugin sees inside": ("plugins/p/x.c", HEAD + '#include "own.h"\n', 3, "simplebus.h"),
    "unfinished mark": ("core/x.c", HEAD + f"/* {UNFINISHED}: later */\n", 3, UNFINISHED),
    "machine path": ("docs/x.md", f"Look at {HOME}/x.\n", 1, "one machine"),
    "white space at end": ("docs/x.md", "a \n", 1, "end of the line"),
    "no final line end": ("docs/x.md", "a\nb", 2, "no line end"),
    "empty line at end": ("docs/x.md", "a\n\n", 2, "empty line"),
    "script without licence": ("tests/x.py", "print (1)\n", 1, "no licence"),
    "not utf-8": ("docs/x.md", b"\xff\n", 1, "not UTF-8"),
}

ALLOWED = {
    "names in comments and literals": (
        "core/x.c", HEAD + 'const char *a = "gchar sleep (1) \\" goto"; /* atoi (a), it\'s said */\n'),
    "members that share a name": (
        "tests/x.c", HEAD + "void\nf (T *t)\n{\n  t->sleep (1);\n  my_sleep (1);\n}\n"),
    "a long table is no function": (
        "core/x.c", HEAD + "static const int a[] = {\n" + "  1,\n" * 200 + "};\n"),
    "a long struct is no function": (
        "core/x.c", HEAD + "struct _A\n{\n" + "  int a;\n" * 200 + "};\n"),
    "umbrella header": ("plugins/p/x.c", HEAD + "#include <simplebus.h>\n"),
    "a plugin's own header": ("plugins/p/x.c", HEAD + '#include "mine.h"\n'),
    "a private header first": ("plugins/p/mine.c", HEAD + '#include "mine-private.h"\n'),
    "temporary names": ("tests/x.c", HEAD + 'const char *a = "sb-test-XXXXXX";\n'),
    "build folders": ("build-x/x.c", "\tgchar\n"),
    "corpora": ("tests/fuzz/corpus/x.c", "\tgchar\n"),
}


def check(path, text):
    """Runs the checker on a small tree with that one file more in it."""
    with tempfile.TemporaryDirectory() as folder:
        files = {
            "core/own.h": HEAD + "#pragma once\n",
            "core/simplebus.h": HEAD + "#pragma once\n",
            "plugins/p/mine.h": HEAD + "#pragma once\n",
            "plugins/p/mine-private.h": HEAD + "#pragma once\n",
            "core/clean.c": CLEAN,
            path: text,
        }
        for name, content in files.items():
            file = Path(folder, name)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content if isinstance(content, bytes) else content.encode())
        return subprocess.run([sys.executable, CHECK, folder], stdout=subprocess.PIPE, text=True)


class CheckSource(unittest.TestCase):
    def test_sees_every_fault_alone(self):
        for name, (path, text, line, words) in FAULTS.items():
            with self.subTest(name):
                result = check(path, text)
                self.assertEqual(result.returncode, 1, result.stdout)
                reported = result.stdout.splitlines()[:-1]
                self.assertEqual(len(reported), 1, result.stdout)
                self.assertTrue(reported[0].startswith(f"{path}:{line}: "), reported[0])
                self.assertIn(words, reported[0])

    def test_lets_what_is_allowed_pass(self):
        for name, (path, text) in ALLOWED.items():
            with self.subTest(name):
                result = check(path, text)
                self.assertEqual(result.returncode, 0, result.stdout)

    def test_refuses_a_tree_with_nothing_in_it(self):
        with tempfile.TemporaryDirectory() as folder:
            result = subprocess.run([sys.executable, CHECK, folder], stdout=subprocess.PIPE, text=True)
        self.assertEqual(result.returncode, 1, result.stdout)


if __name__ == "__main__":
    unittest.main()
