#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""shop: sends an order and a file to the office, and waits until the office has both.

    SIMPLEBUS_PASSWORD=… shop.py http://bus.example:2555 shop invoice.pdf

Started without a bus it waits for one. Killed and started again it goes on where it was.
"""

import json
import os
import sys

import gi

gi.require_version("SimpleBus", "1.0")
from gi.repository import GLib, SimpleBus  # noqa: E402


class Shop:
    def __init__(self, url, user, path):
        self.loop = GLib.MainLoop()
        # What is to be heard of before it ends: two confirmations and one answer.
        self.left = 3
        self.fault = None
        self.client = SimpleBus.Client(
            url=url,
            user=user,
            password=os.environ.get("SIMPLEBUS_PASSWORD"),
            state_dir="shop-state",
        )
        self.client.connect("confirmation", self.on_confirmation)
        self.client.connect("message", self.on_message)
        self.client.connect("error", lambda client, id, error: self.give_up(error))
        self.client.connect_async(None, self.on_connected)
        self.send(path)

    def send(self, path):
        order = SimpleBus.ClientDraft.new(["@office"], json.dumps({"article": "tea", "amount": 2}))
        self.client.send_async(order, None, self.on_sent)
        note = SimpleBus.ClientDraft.new(["@office"], json.dumps("the invoice"))
        self.transfer = self.client.send_file(note, path, None)
        self.transfer.connect("notify::done", self.on_progress)

    def count_down(self):
        self.left -= 1
        if self.left == 0:
            self.loop.quit()

    def give_up(self, error):
        self.fault = error.message
        self.loop.quit()

    def on_connected(self, client, result):
        try:
            client.connect_finish(result)
        except GLib.Error as error:
            self.give_up(error)

    def on_sent(self, client, result):
        try:
            print("order", client.send_finish(result), "is in the outbox")
        except GLib.Error as error:
            self.give_up(error)

    def on_progress(self, transfer, pspec):
        print(transfer.get_done(), "of", transfer.get_size(), "bytes", file=sys.stderr)

    def on_confirmation(self, client, message_id, recipient):
        print(recipient, "has", message_id)
        self.count_down()

    def on_message(self, client, answer):
        print(answer.get_sender(), "says", answer.dup_payload())
        self.count_down()


def main():
    if len(sys.argv) != 4:
        sys.exit("usage: SIMPLEBUS_PASSWORD=… shop.py URL USER FILE")
    shop = Shop(*sys.argv[1:])
    shop.loop.run()
    sys.exit(shop.fault)


main()
