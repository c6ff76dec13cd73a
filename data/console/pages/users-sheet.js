// SPDX-License-Identifier: LGPL-2.1-or-later
// users-sheet: QR codes of many users on paper. Each gets a new password, since the bus does not know
// the old ones.

import { page, post } from "../api.js";
import { confirmed, failed, field, h, replace } from "../dom.js";
import { loadQr, loadSettings, makePassword } from "../device.js";
import { t, tn } from "../i18n.js";

async function findUsers(search) {
  const found = [];
  let after = null;
  do {
    const { rows, next } = await page(`/api/v1/users?${new URLSearchParams({ search })}`, "users", after, 200);
    found.push(...rows.filter((user) => !user.admin));
    after = next;
  } while (after && found.length < 500);
  return found;
}

async function card(user) {
  const password = makePassword();
  await post("/put_users", [{ _id: user._id, password }]);
  const settings = await loadSettings(user._id, password);
  return h("figure", { class: "card" }, await loadQr(JSON.stringify(settings), user._id), h("figcaption", {}, user._id));
}

export function show(place) {
  const search = h("input", { type: "search", autocomplete: "off" });
  const sheet = h("div", { class: "cards sheet" });
  async function make() {
    const users = await findUsers(search.value);
    const text = tn(users.length, "{n} user gets a new password; its device has to be set up again.",
      "{n} users get new passwords; their devices have to be set up again.");
    if (users.length === 0 || (await confirmed(t("Make the sheet?"), text, t("Make it"))) === null)
      return;
    replace(sheet);
    for (const user of users)
      sheet.append(await card(user));
  }
  place.append(
    h("p", {}, h("a", { href: "#/users" }, t("Users"))),
    h("h1", {}, t("Sheet of QR codes")),
    h("div", { class: "row" }, field(t("Users by name or tag"), search, t("Empty: all but administrators"))),
    h("div", { class: "buttons" },
      h("button", { class: "primary", onclick: () => make().catch(failed) }, t("Make it")),
      h("button", { onclick: () => print() }, t("Print"))),
    sheet,
  );
}
