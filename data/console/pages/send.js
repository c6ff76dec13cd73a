// SPDX-License-Identifier: LGPL-2.1-or-later
// send: a message or files to users, tags or everybody; whom it reaches, and how receipts arrive.

import { path, post, raw, stream } from "../api.js";
import { announce, failed, field, h, replace, table } from "../dom.js";
import { bytes, number, t, tn } from "../i18n.js";

export const title = () => t("Send");

const addresses = (text) => text.split(/[\s,]+/).filter(Boolean);

// What is JSON is sent as it was typed; everything else is a text.
function payloadText(text) {
  try {
    JSON.parse(text);
    return text;
  } catch {
    return JSON.stringify(text);
  }
}

function makeId() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (n) => n.toString(16).padStart(2, "0")).join("");
}

// The payload's bytes stay what was typed, so the message is put together as text.
function messageText(fields, id) {
  const members = [`"_id":${JSON.stringify(id)}`, `"to":${JSON.stringify(addresses(fields.to.value))}`];
  if (fields.ttl.value)
    members.push(`"ttl":${Number(fields.ttl.value)}`);
  if (fields.direct.checked)
    members.push('"direct":true');
  members.push(`"message":${payloadText(fields.message.value)}`);
  return `{${members.join(",")}}`;
}

// --- Whom it reaches ---

async function preview(place, text) {
  const to = addresses(text);
  if (to.length === 0) {
    replace(place);
    return;
  }
  try {
    const answer = await post("/api/v1/preview?limit=20", { to });
    replace(place,
      h("p", {}, tn(answer.recipients, "{n} recipient", "{n} recipients"), answer.ids.length > 0 && `: ${answer.ids.join(", ")}`, answer.recipients > answer.ids.length && " …"),
      answer.unknown.length > 0 && h("p", { class: "warn" }, t("Nobody is {names}", { names: answer.unknown.join(", ") })));
  } catch (error) {
    replace(place, h("p", { class: "fault" }, error.message));
  }
}

// --- Sending ---

// With XMLHttpRequest, since fetch does not tell how far an upload is.
function sendForm(message, files, onProgress) {
  return new Promise((resolve, reject) => {
    const form = new FormData();
    form.append("data", message);
    for (const file of files)
      form.append("file", file, file.name);
    const request = new XMLHttpRequest();
    request.open("POST", "/put");
    request.setRequestHeader("X-Simplebus-Console", "1");
    request.responseType = "json";
    request.upload.addEventListener("progress", (event) => onProgress(event.loaded, event.total));
    request.addEventListener("load", () => {
      if (request.status < 300)
        resolve(request.response);
      else
        reject(new Error(request.response?.detail ?? t("The bus answered {status}", { status: request.status })));
    });
    request.addEventListener("error", () => reject(new Error(t("The bus cannot be reached"))));
    request.send(form);
  });
}

async function sendMessage(message) {
  return (await raw("POST", "/put", message, { "Content-Type": "application/json" })).json();
}

// --- Receipts ---

const ended = { confirmed: "good", expired: "bad", dead: "bad", dropped: "bad" };

function statusTable(status) {
  const rows = Object.entries(status.recipients).map(([id, delivery]) => ({ id, ...delivery }));
  const done = rows.filter((row) => row.state === "confirmed").length;
  announce(t("{done} of {all} confirmed", { done: number(done), all: number(rows.length) }));
  return [
    h("p", {}, t("{done} of {all} confirmed", { done: number(done), all: number(rows.length) })),
    table([
      { title: t("Recipient"), cell: (row) => row.id },
      { title: t("State"), cell: (row) => h("span", { class: ended[row.state] }, row.state, row.reason && ` (${row.reason})`) },
      { title: t("Attempts"), numeric: true, cell: (row) => number(row.attempts) },
    ], rows, t("Receipts")),
  ];
}

function follow(place, id, streams) {
  const section = h("section", { class: "card" }, h("h2", { class: "id" }, id));
  const list = h("div", {});
  section.append(list);
  place.prepend(section);
  streams.push(stream(path`/api/v1/messages/${id}/events`, { status: (status) => replace(list, statusTable(status)) }));
}

function showAnswer(place, answer, direct, streams) {
  const ids = answer.files ? answer.files.map((file) => file._id) : [answer._id];
  if (direct)
    place.prepend(h("section", { class: "card" }, h("h2", { class: "id" }, answer._id),
      h("p", {}, tn(answer.delivered, "Given to {n} session", "Given to {n} sessions")),
      answer.offline?.length > 0 && h("p", { class: "warn" }, t("Not there: {names}", { names: answer.offline.join(", ") })) || ""));
  else
    for (const id of ids.reverse())
      follow(place, id, streams);
}

export function show(place, [to], app) {
  const fields = {
    to: h("input", { required: true, autocomplete: "off", spellcheck: "false", value: to ? `@${to}` : "" }),
    message: h("textarea", { spellcheck: "false", placeholder: '{"text": "…"}' }),
    ttl: h("input", { type: "number", min: 0, inputmode: "numeric" }),
    direct: h("input", { type: "checkbox" }),
    files: h("input", { type: "file", multiple: true }),
  };
  const reached = h("div", { "aria-live": "polite" });
  const progress = h("progress", { max: 1, value: 0, hidden: true, "aria-label": t("Sending the files") });
  const amount = h("p", { class: "soft" });
  const button = h("button", { class: "primary" }, t("Send"));
  const results = h("div", {});
  const streams = [];
  let waiting = 0;

  if (app.session.user.admin)
    fields.to.addEventListener("input", () => {
      clearTimeout(waiting);
      waiting = setTimeout(() => preview(reached, fields.to.value), 250);
    });

  async function submit(event) {
    event.preventDefault();
    button.disabled = true;
    try {
      const files = [...fields.files.files];
      const message = messageText(fields, makeId());
      progress.hidden = files.length === 0;
      const answer = files.length > 0
        ? await sendForm(message, files, (sent, all) => {
          progress.value = sent / all;
          amount.textContent = `${bytes(sent)} / ${bytes(all)}`;
        })
        : await sendMessage(message);
      showAnswer(results, answer, fields.direct.checked && files.length === 0, streams);
      fields.files.value = "";
      amount.textContent = "";
    } catch (error) {
      failed(error);
    } finally {
      button.disabled = false;
      progress.hidden = true;
    }
  }

  place.append(
    h("h1", {}, title()),
    h("form", { onsubmit: submit },
      field(t("To"), fields.to, t("@user, #tag or $all; several with blanks between")), reached,
      field(t("Message"), fields.message, t("JSON, or a text")),
      h("div", { class: "row" }, field(t("Expires after, seconds"), fields.ttl), field(t("Files"), fields.files)),
      field(t("Direct"), fields.direct, t("Only to those who are there now; it is not kept.")),
      progress, amount,
      h("div", { class: "buttons" }, button)),
    results,
  );
  if (to && app.session.user.admin)
    preview(reached, fields.to.value);
  return () => {
    clearTimeout(waiting);
    streams.forEach((stop) => stop());
  };
}
