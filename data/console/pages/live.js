// SPDX-License-Identifier: LGPL-2.1-or-later
// live: what flows now. Envelopes only; who wants to see a payload opens the delivery, and that is logged.

import { stream } from "../api.js";
import { field, h, replace } from "../dom.js";
import { bytes, number, t, tn } from "../i18n.js";

export const title = () => t("Live");

const ROWS = 200;

const kinds = {
  accepted: () => t("accepted"), direct: () => t("direct"), sent: () => t("sent"), confirmed: () => t("confirmed"),
  parked: () => t("parked"), dead: () => t("dead"), expired: () => t("expired"), dropped: () => t("dropped"),
  refused: () => t("refused"), requeued: () => t("sent again"), notified: () => t("notified"), session: () => t("session"),
};
const bad = ["parked", "dead", "expired", "dropped", "refused"];

function cell(label, ...content) {
  return h("td", { "data-title": label }, content);
}

function row(one) {
  return h("tr", {},
    cell(t("Time"), new Date(one.at).toLocaleTimeString()),
    cell(t("What"), h("span", { class: bad.includes(one.what) && "bad" }, kinds[one.what]?.() ?? one.what)),
    cell("_id", h("span", { class: "id" }, one._id ?? "")),
    cell(t("From"), one.sender ?? ""),
    cell(t("To"), one.recipient ? h("a", { href: `#/queues/${encodeURIComponent(one.recipient)}` }, one.recipient) : (one.recipients !== undefined ? tn(one.recipients, "{n} recipient", "{n} recipients") : "")),
    cell(t("Size"), one.size !== undefined ? bytes(one.size) : ""),
    cell(t("Reason"), one.reason ?? ""));
}

export function show(place) {
  const what = h("select", {}, h("option", { value: "" }, t("Everything")), Object.entries(kinds).map(([kind, text]) => h("option", { value: kind }, text())));
  const user = h("input", { autocomplete: "off", spellcheck: "false" });
  const still = h("button", { type: "button", "aria-pressed": "false" }, t("Hold"));
  const body = h("tbody", {});
  const skipped = h("p", { class: "soft" });
  const state = h("p", { class: "soft", role: "status" }, t("Connecting…"));
  let held = false;
  let stop = () => {};
  let left = 0;

  function open() {
    stop();
    replace(body);
    left = 0;
    const query = new URLSearchParams({ ...(what.value && { what: what.value }), ...(user.value && { user: user.value }) });
    stop = stream(`/api/v1/live?${query}`, {
      flow: (one) => {
        if (held)
          return;
        body.prepend(row(one));
        if (body.childElementCount > ROWS)
          body.lastElementChild.remove();
      },
      skipped: ({ n }) => {
        left += n;
        skipped.textContent = t("{n} more went by", { n: number(left) });
      },
    }, (open_) => (state.textContent = open_ ? "" : t("The connection broke; trying again…")));
  }

  still.addEventListener("click", () => {
    held = !held;
    still.setAttribute("aria-pressed", String(held));
    still.textContent = held ? t("Go on") : t("Hold");
  });
  what.addEventListener("change", open);
  user.addEventListener("change", open);
  const heads = [t("Time"), t("What"), "_id", t("From"), t("To"), t("Size"), t("Reason")];
  place.append(
    h("h1", {}, title()), state,
    h("div", { class: "row" }, field(t("What"), what), field(t("User"), user), still),
    h("table", {}, h("caption", { class: "visually-hidden" }, title()), h("thead", {}, h("tr", {}, heads.map((head) => h("th", { scope: "col" }, head)))), body),
    skipped,
  );
  open();
  return () => stop();
}
