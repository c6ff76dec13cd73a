// SPDX-License-Identifier: LGPL-2.1-or-later
// about: is everything as it should be, and what to do about what is not.

import { get } from "../api.js";
import { h, replace } from "../dom.js";
import { t, time, tn } from "../i18n.js";

export const title = () => t("About");

const marks = { ok: ["✓", "good"], warning: ["!", "warn"], error: ["✗", "bad"] };
const words = { ok: () => t("all right"), warning: () => t("warning"), error: () => t("error") };

function check(one) {
  const [mark, kind] = marks[one.status];
  return h("li", { class: "card" },
    h("strong", { class: kind }, mark, h("span", { class: "visually-hidden" }, words[one.status]())), " ",
    h("strong", {}, one.check), " ", one.detail,
    one.status !== "ok" && one.advice && h("p", { class: "help" }, one.advice));
}

function render(list, health) {
  const order = ["error", "warning", "ok"];
  const checks = health.checks.toSorted((a, b) => order.indexOf(a.status) - order.indexOf(b.status));
  const faults = checks.filter((one) => one.status !== "ok").length;
  replace(list,
    h("p", { role: "status" }, faults === 0 ? t("All checks are right.") : tn(faults, "{n} thing to look at", "{n} things to look at")),
    h("ul", { class: "checks" }, checks.map(check)));
}

export async function show(place) {
  const list = h("div", {});
  const load = async () => {
    const health = await get("/api/v1/health");
    render(list, health);
    return health;
  };
  const health = await load();
  place.append(
    h("h1", {}, title()),
    h("dl", {}, h("dt", {}, "SimpleBus"), h("dd", {}, health.version),
      h("dt", {}, t("Its clock")), h("dd", {}, time(health.time)),
      h("dt", {}, t("Licence")), h("dd", {}, "LGPL-2.1-or-later"),
      h("dt", {}, t("For programs")), h("dd", {}, h("a", { href: "/api/v1/openapi.json" }, "OpenAPI"))),
    h("h2", {}, t("Checks")),
    h("div", { class: "buttons" }, h("button", { onclick: load }, t("Check again"))),
    list,
  );
}
