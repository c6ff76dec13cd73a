// SPDX-License-Identifier: LGPL-2.1-or-later
// app: who is signed in, which page is shown, and the frame around it. A page is a module in pages/
// that is loaded when it is wanted:
//
//   export const title = () => t("Users");
//   export async function show (place, words, app) { … return () => { stop what runs }; }
//
// `words` are the parts of the address behind the page's name: #/users/alice has ["alice"].

import { get, remove, onSignedOut } from "./api.js";
import { announce, failed, h, replace } from "./dom.js";
import { chooseLanguage, t } from "./i18n.js";

// In the order of the menu.
const pages = [
  { name: "overview", label: () => t("Overview"), admin: true },
  { name: "users", label: () => t("Users"), admin: true },
  { name: "queues", label: () => t("Queues"), admin: true },
  { name: "files", label: () => t("Files"), admin: true },
  { name: "mine", label: () => t("My messages"), user: true },
  { name: "send", label: () => t("Send"), admin: true, user: true },
  { name: "live", label: () => t("Live"), admin: true },
  { name: "settings", label: () => t("Settings"), admin: true },
  { name: "password", label: () => t("Password"), admin: true, user: true },
  { name: "about", label: () => t("About"), admin: true },
];

const app = { session: null, refresh: start };
let leave = () => {};
let shown = 0;

const root = () => document.getElementById("app");
const mine = () => pages.filter((page) => (app.session.user.admin ? page.admin : page.user));

async function signOut() {
  try {
    await remove("/api/v1/session");
  } catch (error) {
    failed(error);
  }
  location.hash = "";
  start();
}

function frame(current) {
  const menu = mine().map((page) =>
    h("li", {}, h("a", { href: `#/${page.name}`, "aria-current": page === current && "page" }, page.label())),
  );
  const toggle = h("button", {
    class: "menu-button plain", "aria-expanded": "false", "aria-controls": "menu",
    onclick: () => {
      const open = document.body.classList.toggle("menu-open");
      toggle.setAttribute("aria-expanded", String(open));
    },
  }, "☰", h("span", { class: "visually-hidden" }, t("Menu")));
  return [
    h("a", { class: "skip", href: "#content", onclick: skip }, t("Skip to the content")),
    h("header", {}, toggle, h("a", { class: "brand", href: "#/" }, "SimpleBus"),
      h("span", { class: "spacer" }), h("span", { class: "who" }, app.session.user._id),
      h("button", { class: "plain", onclick: signOut }, t("Sign out"))),
    h("nav", { id: "menu", "aria-label": t("Pages") }, h("ul", {}, menu)),
  ];
}

function skip(event) {
  event.preventDefault();
  document.getElementById("content").focus();
}

// The last call wins: somebody may have gone on while a page was loading.
async function showPage() {
  const turn = ++shown;
  leave();
  leave = () => {};
  document.body.classList.remove("menu-open");
  const [name, ...words] = location.hash.replace(/^#\/?/, "").split("/").map(decodeURIComponent);
  const page = mine().find((candidate) => candidate.name === name) ?? mine()[0];
  const place = h("main", { id: "content", tabindex: "-1" });
  replace(root(), frame(page), place);
  try {
    const module = await import(`./pages/${page.name}.js`);
    if (turn !== shown)
      return;
    document.title = `${module.title()} · SimpleBus`;
    announce(module.title());
    const stop = await module.show(place, words, app);
    if (turn === shown)
      leave = stop ?? leave;
    else
      stop?.();
  } catch (error) {
    replace(place, h("p", { class: "fault", role: "alert" }, error.message));
  }
}

// `language`: what is waited for beside the session, at the first start.
async function start(language) {
  leave();
  leave = () => {};
  shown++;
  try {
    [app.session] = await Promise.all([get("/api/v1/session"), language]);
  } catch (error) {
    replace(root(), h("main", { class: "narrow" }, h("p", { class: "fault", role: "alert" }, error.message),
      h("button", { class: "primary", onclick: () => start() }, t("Try again"))));
    return;
  }
  if (app.session.user) {
    showPage();
    return;
  }
  const { showSignIn } = await import("./signin.js");
  showSignIn(root(), app);
}

onSignedOut(() => app.session?.user && start());
addEventListener("hashchange", () => app.session?.user && showPage());
start(chooseLanguage());
