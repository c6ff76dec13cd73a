// SPDX-License-Identifier: LGPL-2.1-or-later
// users-import: many users at once, of a file. First it is shown what would become of it.

import { raw } from "../api.js";
import { field, h, replace, toast } from "../dom.js";
import { t, tn } from "../i18n.js";

function outcome(answer) {
  const names = (list) => list.slice(0, 20).join(", ") + (list.length > 20 ? " …" : "");
  return [
    answer.made.length > 0 && h("p", {}, tn(answer.made.length, "{n} new user: {names}", "{n} new users: {names}", { names: names(answer.made) })),
    answer.changed.length > 0 && h("p", {}, tn(answer.changed.length, "{n} changed user: {names}", "{n} changed users: {names}", { names: names(answer.changed) })),
    answer.faults?.length > 0 && h("ul", { class: "bad", role: "alert" },
      answer.faults.slice(0, 50).map((fault) => h("li", {}, t("Row {row}: {fault}", { row: fault.row, fault: fault.detail })))),
    answer.made.length + answer.changed.length + (answer.faults?.length ?? 0) === 0 && h("p", {}, t("Nothing would change")),
  ];
}

async function send(text, check) {
  const isJson = /^\s*\[/.test(text);
  const response = await raw("POST", `/api/v1/users/import${check ? "?check=1" : ""}`, text,
    { "Content-Type": isJson ? "application/json" : "text/csv; charset=utf-8" });
  return response.json();
}

export function show(place) {
  const file = h("input", { type: "file", accept: ".json,.csv,text/csv,application/json" });
  const text = h("textarea", { spellcheck: "false", placeholder: "id,password,tags\nuser1,secret,orders" });
  const result = h("div", { "aria-live": "polite" });
  const doIt = h("button", { class: "primary", disabled: true, onclick: () => run(false) }, t("Import"));

  file.addEventListener("change", async () => {
    text.value = (await file.files[0]?.text()) ?? "";
    run(true);
  });
  text.addEventListener("input", () => (doIt.disabled = true));
  async function run(check) {
    doIt.disabled = true;
    try {
      const answer = await send(text.value, check);
      replace(result, outcome(answer));
      doIt.disabled = !check || (answer.faults?.length ?? 0) > 0;
      if (!check)
        toast(t("Imported"));
    } catch (error) {
      replace(result, h("p", { class: "fault", role: "alert" }, error.message));
    }
  }
  place.append(
    h("p", {}, h("a", { href: "#/users" }, t("Users"))),
    h("h1", {}, t("Import users")),
    h("p", {}, t("A JSON array as for /put_users, or a table (CSV) with a first row of names: id, password, tags, admin, url. All are taken, or none.")),
    field(t("File"), file),
    field(t("Or its text"), text),
    h("div", { class: "buttons" }, h("button", { onclick: () => run(true) }, t("Check")), doIt),
    result,
  );
}
