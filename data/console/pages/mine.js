// SPDX-License-Identifier: LGPL-2.1-or-later
// mine: the messages and files of somebody who is no administrator.

import { get, page, path } from "../api.js";
import { dialog, failed, h, pager, table } from "../dom.js";
import { ago, bytes, number, t } from "../i18n.js";

export const title = () => t("My messages");

async function showMessage(one) {
  const text = await get(path`/api/v1/me/deliveries/${one.delivery}/message`);
  await dialog(t("Message"), (close) => h("div", {},
    h("pre", { tabindex: "0" }, typeof text === "string" ? text : JSON.stringify(text, null, 2)),
    h("div", { class: "buttons" }, h("button", { type: "button", onclick: () => close(null) }, t("Close")))));
}

function deliveries(direction) {
  const inward = direction === "in";
  return pager(
    (after) => page(`/api/v1/me/deliveries?direction=${direction}`, "deliveries", after),
    (rows) => table([
      { title: "_id", cell: (one) => h("button", { class: "plain id", onclick: () => showMessage(one).catch(failed) }, one._id) },
      { title: inward ? t("From") : t("To"), cell: (one) => (inward ? one.sender : one.recipient) },
      { title: t("State"), cell: (one) => one.state },
      { title: t("Attempts"), numeric: true, cell: (one) => number(one.attempts) },
      { title: t("Since"), cell: (one) => ago(one.since) },
    ], rows, inward ? t("To me") : t("From me")),
    t("There are none."),
  );
}

const files = () => pager(
  (after) => page("/api/v1/me/files", "files", after),
  (rows) => table([
    { title: t("Name"), cell: (file) => h("a", { href: path`/download/${file.filename}`, download: file.display_filename }, file.display_filename) },
    { title: t("Size"), numeric: true, cell: (file) => bytes(file.size) },
    { title: t("From"), cell: (file) => file.sender },
    { title: t("Expires"), cell: (file) => ago(file.expires) },
  ], rows, t("Files")),
  t("No file waits."),
);

export function show(place) {
  place.append(
    h("h1", {}, title()),
    h("h2", {}, t("To me")), deliveries("in"),
    h("h2", {}, t("From me, not at its end")), deliveries("out"),
    h("h2", {}, t("Files")), files(),
  );
}
