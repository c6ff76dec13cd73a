// SPDX-License-Identifier: LGPL-2.1-or-later
// overview: the bus at a glance, a frame a second.

import { stream } from "../api.js";
import { chart } from "../chart.js";
import { h, replace } from "../dom.js";
import { bytes, number, t, tn } from "../i18n.js";

export const title = () => t("Overview");

const rate = (n) => number(Math.round(n));

function card(label, value, note, kind) {
  return h("section", { class: "card" }, h("h2", {}, label), h("div", { class: `value ${kind ?? ""}` }, value),
    note && h("div", { class: "soft" }, note));
}

function duration(seconds) {
  if (seconds < 120)
    return tn(Math.round(seconds), "{n} second", "{n} seconds");
  if (seconds < 7200)
    return tn(Math.round(seconds / 60), "{n} minute", "{n} minutes");
  if (seconds < 172800)
    return tn(Math.round(seconds / 3600), "{n} hour", "{n} hours");
  return tn(Math.round(seconds / 86400), "{n} day", "{n} days");
}

// What happened in a second between two frames, which may be further apart.
function perSecond(now, before, pick) {
  const seconds = now.uptime - before.uptime;
  return seconds > 0 ? Math.max(0, (pick(now) - pick(before)) / seconds) : 0;
}

const incoming = (frame) => frame.messages.accepted + frame.messages.direct;
const outgoing = (frame) => frame.messages.sent + frame.messages.direct;

function backlogCards({ backlog }) {
  return [
    card(t("Waiting"), number(backlog.pending), tn(backlog.sent, "{n} under way", "{n} under way")),
    card(t("Scheduled"), number(backlog.scheduled)),
    card(t("Parked"), number(backlog.parked), null, backlog.parked > 0 && "warn"),
    h("section", { class: "card" }, h("h2", {}, t("Dead")),
      h("div", { class: `value ${backlog.dead > 0 ? "bad" : ""}` }, number(backlog.dead)),
      backlog.dead > 0 && h("a", { href: "#/queues//dead" }, t("Look at them"))),
  ];
}

function peopleCards({ users, recipients }) {
  const away = recipients.unreachable + recipients.faulty;
  const all = away + recipients.ok + recipients.waiting;
  return [
    card(t("Online"), number(users.online), t("of {n} users", { n: number(users.total) })),
    card(
      t("HTTP recipients"),
      away > 0 ? tn(away, "{n} unreachable", "{n} unreachable") : all > 0 ? t("All reachable") : t("None"),
      all > 0 && t("{ok} ok, {waiting} waiting, {faulty} faulty", recipients),
      away > 0 ? "bad" : null,
    ),
  ];
}

function machineCards({ files, transfers, disk, process, journal, uptime, version }) {
  const low = disk.free < 2 * disk.reserve;
  return [
    card(t("Files"), number(files.waiting), `${bytes(files.bytes)}, ${t("{n} being transferred", { n: number(transfers.downloads + transfers.uploads) })}`),
    card(t("Disk free"), bytes(disk.free), t("{reserve} are kept in reserve", { reserve: bytes(disk.reserve) }), low && "bad"),
    card(t("Memory"), bytes(process.memory), t("last commit {n} ms", { n: journal.commit_ms.toFixed(1) })),
    card(t("Up for"), duration(uptime), version),
  ];
}

function alarmList(alarms) {
  return alarms.length > 0 && h("section", { class: "card" }, h("h2", { class: "bad" }, t("Alarms")),
    h("ul", {}, alarms.map((alarm) => h("li", {}, `${alarm.limit} ${Math.round(alarm.ratio * 100)} %: ${alarm.detail} `, h("span", { class: "soft" }, alarm.advice)))));
}

export function show(place) {
  const flow = chart(t("Messages a second"), [{ label: t("in") }, { label: t("out"), class: "second" }], 120, rate);
  const confirmed = chart(t("Confirmed a second"), [{ label: t("confirmed") }], 120, rate);
  const backlog = chart(t("Backlog"), [{ label: t("deliveries") }]);
  const numbers = h("div", { class: "cards" });
  const state = h("p", { class: "soft", role: "status" }, t("Connecting…"));
  const alarms = h("div", {});
  let before = null;

  place.append(h("h1", {}, title()), state, alarms, h("div", { class: "cards charts" }, flow, confirmed, backlog), numbers);
  return stream("/api/v1/events", {
    overview: (frame) => {
      if (before && frame.uptime > before.uptime) {
        flow.push([perSecond(frame, before, incoming), perSecond(frame, before, outgoing)]);
        confirmed.push([perSecond(frame, before, (one) => one.messages.confirmed)]);
      }
      backlog.push([frame.backlog.pending + frame.backlog.scheduled + frame.backlog.parked]);
      replace(numbers, backlogCards(frame), peopleCards(frame), machineCards(frame));
      replace(alarms, alarmList(frame.alarms));
      before = frame;
    },
  }, (open) => (state.textContent = open ? "" : t("The connection broke; trying again…")));
}
