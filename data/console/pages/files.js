// SPDX-License-Identifier: LGPL-2.1-or-later
// files: what waits to be fetched, by whom, and what is being transferred now.

import { get, page, path, remove, stream } from "../api.js";
import { confirmed, h, pager, replace, table } from "../dom.js";
import { ago, bytes, number, t, time } from "../i18n.js";

export const title = () => t("Files");

function waitingFor(file) {
  const more = file.waiting - file.waiting_for.length;
  return [file.waiting_for.join(", "), more > 0 && ` ${t("and {n} more", { n: number(more) })}`];
}

function fileTable(rows) {
  return table([
    { title: t("Name"), cell: (file) => h("a", { href: `#/files/${encodeURIComponent(file.filename)}` }, file.display_filename) },
    { title: t("Size"), numeric: true, cell: (file) => bytes(file.size) },
    { title: t("From"), cell: (file) => file.sender },
    { title: t("Still to be fetched by"), cell: waitingFor },
    { title: t("Sent"), cell: (file) => ago(file.accepted) },
    { title: t("Expires"), cell: (file) => (file.expires ? ago(file.expires) : t("never")) },
  ], rows, t("Files"));
}

// --- Running transfers ---

const directions = { up: () => t("to the bus"), down: () => t("from the bus"), upload: () => t("to the bus"), download: () => t("from the bus") };

function transferRow(transfer) {
  const rate = transfer.seconds > 0 ? transfer.bytes / transfer.seconds : 0;
  return h("li", { class: "card" },
    h("strong", {}, transfer.name), ` ${directions[transfer.direction]?.() ?? transfer.direction}, ${transfer.user}`,
    transfer.size > 0 && h("progress", { value: transfer.bytes, max: transfer.size, "aria-label": transfer.name }),
    h("div", { class: "soft" }, `${bytes(transfer.bytes)}${transfer.size ? ` / ${bytes(transfer.size)}` : ""}, ${bytes(rate)}/s`));
}

function transfersNow() {
  const place = h("div", {});
  const stop = stream("/api/v1/events", {
    overview: ({ transfers }) => replace(place,
      transfers.running.length > 0 && [h("h2", {}, t("Being transferred")), h("ul", { class: "checks" }, transfers.running.map(transferRow))]),
  });
  return { place, stop };
}

// --- One file ---

async function erase(file) {
  const gone = await confirmed(t("Delete {name}?", { name: file.display_filename }),
    t("Who has not fetched it will not get it. The sender is told."), t("Delete"), () => remove(path`/api/v1/files/${file.filename}`));
  if (gone !== null)
    location.hash = "#/files";
}

async function showFile(place, name) {
  const file = await get(path`/api/v1/files/${name}`);
  place.append(
    h("p", {}, h("a", { href: "#/files" }, t("Files"))),
    h("h1", {}, file.display_filename),
    h("div", { class: "buttons" },
      h("a", { class: "button", href: path`/download/${file.filename}`, download: file.display_filename }, t("Download")),
      h("button", { class: "danger", onclick: () => erase(file) }, t("Delete"))),
    h("dl", {},
      h("dt", {}, t("Size")), h("dd", {}, bytes(file.size)),
      h("dt", {}, "SHA-256"), h("dd", { class: "id" }, file.sha256),
      h("dt", {}, t("From")), h("dd", {}, file.sender),
      h("dt", {}, t("Message")), h("dd", { class: "id" }, file._id),
      h("dt", {}, t("Sent")), h("dd", {}, time(file.accepted)),
      h("dt", {}, t("Expires")), h("dd", {}, time(file.expires))),
    table([
      { title: t("Recipient"), cell: (one) => one.recipient },
      { title: t("State"), cell: (one) => [one.state, one.reason && ` (${one.reason})`] },
      { title: t("Attempts"), numeric: true, cell: (one) => number(one.attempts) },
      { title: t("Since"), cell: (one) => ago(one.since) },
    ], file.deliveries, t("Recipients")),
  );
}

export async function show(place, [name]) {
  if (name) {
    await showFile(place, name);
    return null;
  }
  const { place: transfers, stop } = transfersNow();
  place.append(h("h1", {}, title()), transfers,
    pager((after) => page("/api/v1/files", "files", after), fileTable, t("No file waits.")));
  return stop;
}
