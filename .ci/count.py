#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""count: what a run of meson's tests came to.

    count.py TESTLOG.JSON STATUS

Reads meson's log (an object a line) and the exit status of the run. Prints the end of each failing
test's output and, as the last line, "N passed, N failed", counted over the single cases of programs
that speak TAP and over whole programs of the others. Ends with 0 when some passed and none failed.
"""

import json
import re
import sys

TAIL_LINES = 40
STOPPED = 124  # and above: by timeout(1), or by a signal
GOOD = {"OK", "EXPECTEDFAIL"}
RE_CASE = re.compile(r"^(not )?ok\b(?:[^#\\]|\\.)*(?:#\s*(skip|todo)\b)?", re.IGNORECASE)


def read(path):
    """The tests of the log; a line that was cut off counts as nothing."""
    try:
        with open(path, encoding="utf-8", errors="replace") as log:
            lines = log.readlines()
    except OSError:
        return
    for line in lines:
        try:
            test = json.loads(line)
        except ValueError:
            continue
        if isinstance(test, dict) and "result" in test:
            yield test


def cases(test):
    """(passed, failed, skipped) of one program."""
    passed = failed = skipped = 0
    for line in str(test.get("stdout") or "").splitlines():
        match = RE_CASE.match(line)
        if match is None:
            continue
        directive = (match.group(2) or "").lower()
        if directive == "skip":
            skipped += 1
        elif match.group(1) and directive != "todo":
            failed += 1
        else:
            passed += 1
    if test["result"] == "SKIP":
        return 0, 0, max(skipped, 1)
    if test["result"] not in GOOD:
        # Killed, out of time or ended early: the program itself has failed.
        return passed, max(failed, 1), skipped
    # The program's own word counts: an expected failure is none.
    return (passed + failed, 0, skipped) if passed + failed + skipped else (1, 0, 0)


def tail(test):
    output = [line for stream in ("stdout", "stderr")
              for line in str(test.get(stream) or "").splitlines()
              if not line.startswith("# GLib-DEBUG: g_set_user_dirs")]
    print(f"\n--- {test.get('name')}: {test['result']} (status {test.get('returncode')})")
    print("\n".join(output[-TAIL_LINES:]))


def main():
    path, status = sys.argv[1], int(sys.argv[2])
    passed = failed = skipped = 0
    for test in read(path):
        counts = cases(test)
        passed, failed, skipped = (a + b for a, b in zip((passed, failed, skipped), counts))
        if counts[1]:
            tail(test)
    if status >= STOPPED:
        print(f"\nThe run was stopped (status {status}); what it was at counts as failed")
        failed += 1
    elif status != 0 and failed == 0:
        print(f"\nNo test failed, but the run ended with status {status}: it could not be built or started")
        failed = 1
    if skipped:
        print(f"{skipped} skipped")
    print(f"{passed} passed, {failed} failed")
    return 0 if passed and not failed else 1


if __name__ == "__main__":
    sys.exit(main())
