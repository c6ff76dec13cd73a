// SPDX-License-Identifier: LGPL-2.1-or-later
// password: one's own.

import { post } from "../api.js";
import { failed, field, h, toast } from "../dom.js";
import { t } from "../i18n.js";

export const title = () => t("Password");

function input(autocomplete, attributes) {
  return h("input", { type: "password", required: true, autocomplete, ...attributes });
}

export function show(place, words, app) {
  const old = input("current-password");
  const next = input("new-password", { minlength: app.session.min_password_length });
  const again = input("new-password");
  async function submit(event) {
    event.preventDefault();
    try {
      if (again.value !== next.value)
        throw new Error(t("The two passwords differ"));
      await post("/api/v1/me/password", { old: old.value, new: next.value });
      event.target.reset();
      toast(t("The password was changed. You are signed out everywhere else."));
    } catch (error) {
      failed(error);
    }
  }
  place.append(
    h("h1", {}, title()),
    h("form", { onsubmit: submit },
      h("input", { autocomplete: "username", value: app.session.user._id, hidden: true }),
      field(t("Old password"), old),
      field(t("New password"), next),
      field(t("Password, once more"), again),
      h("div", { class: "buttons" }, h("button", { class: "primary" }, t("Change")))),
  );
}
