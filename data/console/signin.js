// SPDX-License-Identifier: LGPL-2.1-or-later
// signin: the first thing that somebody sees: the form for the first user, or the one to sign in.

import { post } from "./api.js";
import { field, h, replace } from "./dom.js";
import { t } from "./i18n.js";

function form(title, text, fields, action, submit) {
  const fault = h("p", { class: "fault", role: "alert", hidden: true });
  const button = h("button", { class: "primary" }, action);
  return h(
    "main",
    { class: "narrow" },
    h("h1", {}, title),
    h("p", {}, text),
    h(
      "form",
      {
        onsubmit: async (event) => {
          event.preventDefault();
          button.disabled = true;
          fault.hidden = true;
          try {
            await submit();
          } catch (error) {
            fault.textContent = error.message;
            fault.hidden = false;
            button.disabled = false;
          }
        },
      },
      fields,
      fault,
      h("div", { class: "buttons" }, button),
    ),
  );
}

function input(attributes) {
  return h("input", { required: true, autocapitalize: "none", spellcheck: "false", ...attributes });
}

function signInForm(app) {
  const name = input({ autocomplete: "username", autofocus: true });
  const password = input({ type: "password", autocomplete: "current-password" });
  return form(
    t("Sign in"),
    t("With the name and the password of a user of this bus."),
    [field(t("Name"), name), field(t("Password"), password)],
    t("Sign in"),
    async () => {
      await post("/api/v1/session", { user: name.value, password: password.value });
      app.refresh();
    },
  );
}

function registerForm(app) {
  const first = app.session.signup !== "open";
  const name = input({ autocomplete: "username", autofocus: true, maxlength: 64 });
  const password = input({
    type: "password", autocomplete: "new-password", minlength: app.session.min_password_length,
  });
  const again = input({ type: "password", autocomplete: "new-password" });
  const code = app.session.signup === "first-code" ? input({ autocomplete: "one-time-code" }) : null;
  again.addEventListener("input", () => again.setCustomValidity(""));
  return form(
    t("Register"),
    first ? t("Nobody uses this bus yet. The first user is its administrator.") : t("Make a user of this bus."),
    [
      field(t("Name"), name),
      field(t("Password"), password),
      field(t("Password, once more"), again),
      code && field(t("Set-up code"), code, t("The bus has printed it when it started.")),
    ],
    t("Register"),
    async () => {
      if (again.value !== password.value)
        throw new Error(t("The two passwords differ"));
      await post("/api/v1/signup", {
        name: name.value, password: password.value, ...(code && { code: code.value }),
      });
      app.refresh();
    },
  );
}

export function showSignIn(root, app) {
  const { signup } = app.session;
  document.title = "SimpleBus";
  if (signup === "first" || signup === "first-code") {
    replace(root, registerForm(app));
    return;
  }
  const place = signInForm(app);
  if (signup === "open")
    place.append(h("p", {}, h("button", { class: "plain", onclick: () => replace(root, registerForm(app)) }, t("Register"))));
  replace(root, place);
}
