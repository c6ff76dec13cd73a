// SPDX-License-Identifier: LGPL-2.1-or-later
// device: what a device of a user is set up with, as a QR code and as a file.

import { path, post, raw } from "./api.js";
import { dialog, failed, field, h, replace } from "./dom.js";
import { t } from "./i18n.js";

// A password that nobody has to type: 20 letters and digits that are not taken for each other.
export function makePassword() {
  const letters = "abcdefghjkmnpqrstuvwxyz23456789";
  const random = crypto.getRandomValues(new Uint32Array(20));
  return Array.from(random, (n) => letters[n % letters.length]).join("");
}

// The settings as the bus knows them: it tells addresses, and takes the password in.
export function loadSettings(id, password) {
  return post(path`/api/v1/users/${id}/settings`, { password });
}

// A picture of a text. The bus draws it; as an image no script can be in it.
export async function loadQr(text, alt) {
  const response = await raw("POST", "/api/v1/qr", JSON.stringify({ text }), { "Content-Type": "application/json" });
  const url = URL.createObjectURL(await response.blob());
  return h("img", { class: "qr", src: url, alt, onload: () => URL.revokeObjectURL(url) });
}

export function download(name, type, text) {
  const url = URL.createObjectURL(new Blob([text], { type }));
  const link = h("a", { href: url, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
}

async function draw(place, user, password, set) {
  if (set)
    await post("/put_users", [{ _id: user._id, password }]);
  const settings = await loadSettings(user._id, password);
  const text = JSON.stringify(settings);
  replace(place,
    await loadQr(text, t("QR code with the settings of {name}", { name: user._id })),
    h("dl", {},
      h("dt", {}, "BusURL"), h("dd", {}, settings.BusURL),
      h("dt", {}, "BusURLHttp"), h("dd", {}, settings.BusURLHttp),
      h("dt", {}, "BusID"), h("dd", {}, settings.BusID)),
    h("div", { class: "buttons" },
      h("button", { type: "button", onclick: () => download(`${user._id}.json`, "application/json", text) }, t("As a file")),
      h("button", { type: "button", onclick: () => print() }, t("Print"))));
}

export function showSettings(user) {
  return dialog(t("Device settings of {name}", { name: user._id }), (close) => {
    const password = h("input", { type: "password", required: true, autocomplete: "off" });
    const place = h("div", { "aria-live": "polite" });
    const run = (given, set) => draw(place, user, given, set).catch(failed);
    return h("form", {
      onsubmit: (event) => {
        event.preventDefault();
        run(password.value, false);
      },
    },
    field(t("Password of the user"), password, t("The bus knows only its hash. A new one ends the user's sessions.")),
    h("div", { class: "buttons" },
      h("button", { class: "primary" }, t("Show")),
      h("button", { type: "button", onclick: () => run(makePassword(), true) }, t("Give it a new password")),
      h("button", { type: "button", onclick: () => close(null) }, t("Close"))),
    place);
  });
}
