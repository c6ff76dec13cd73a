#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""office: takes orders and files, and answers each order.

    SIMPLEBUS_PASSWORD=… office.py http://bus.example:2555 office received-files

It may be killed at any time: what it has not confirmed comes again, and what it has sent is in
its outbox.
"""

import json
import os
import signal
import sys

import gi

gi.require_version("SimpleBus", "1.0")
from gi.repository import GLib, SimpleBus  # noqa: E402


def on_message(client, order):
    payload = order.dup_payload()
    print("order", payload, flush=True)
    answer = json.dumps({"taken": json.loads(payload)})
    draft = SimpleBus.ClientDraft.new(["@" + order.get_sender()], answer)
    # An id made of the order's: the same order answered twice is one answer.
    draft.set_id("answer-" + order.get_id())
    client.send_async(draft, None, on_answered, order)


def on_answered(client, result, order):
    try:
        client.send_finish(result)
    except GLib.Error as error:
        print("not answered, it will come again:", error.message, file=sys.stderr)
        return
    # The answer is on disk, so the order is dealt with.
    client.confirm(order.get_id())


def on_download(client, notice, path):
    print("file", path, flush=True)
    client.confirm(notice.get_id())


def on_state(client, state, reason):
    print(state.value_nick, reason.message if reason else "", file=sys.stderr)


def on_error(client, message_id, error):
    print(message_id or "the bus", error.message, file=sys.stderr)


def main():
    if len(sys.argv) != 4:
        sys.exit("usage: SIMPLEBUS_PASSWORD=… office.py URL USER FOLDER")
    url, user, folder = sys.argv[1:]
    loop = GLib.MainLoop()
    client = SimpleBus.Client(
        url=url,
        user=user,
        password=os.environ.get("SIMPLEBUS_PASSWORD"),
        state_dir="office-state",
        download_dir=folder,
        auto_confirm=False,
    )
    client.connect("message", on_message)
    client.connect("message-download", on_download)
    client.connect("state", on_state)
    client.connect("error", on_error)

    def on_connected(source, result):
        try:
            client.connect_finish(result)
        except GLib.Error as error:
            print(error.message, file=sys.stderr)
            loop.quit()

    def on_closed(source, result):
        client.close_finish(result)
        loop.quit()

    for number in signal.SIGINT, signal.SIGTERM:
        GLib.unix_signal_add(GLib.PRIORITY_DEFAULT, number, loop.quit)
    client.connect_async(None, on_connected)
    loop.run()
    client.close_async(None, on_closed)
    loop.run()


main()
