// SPDX-License-Identifier: LGPL-2.1-or-later
// queues: what waits for whom, what has died of what, and what an operator does about it.

import { get, page, path, post } from "../api.js";
import { confirmed, dialog, failed, field, formDialog, h, pager, replace, table, toast } from "../dom.js";
import { ago, bytes, number, t, time, tn } from "../i18n.js";

export const title = () => t("Queues");

const states = ["pending", "scheduled", "parked", "dead"];
const stateTexts = {
  pending: () => t("waiting"), scheduled: () => t("scheduled"), sent: () => t("under way"), parked: () => t("parked"),
  dead: () => t("dead"), confirmed: () => t("confirmed"), notified: () => t("notified"), expired: () => t("expired"),
  dropped: () => t("dropped"),
};
const stateText = (state) => stateTexts[state]?.() ?? state;
const isFaulty = (outbound) => outbound && outbound.state !== "ok" && outbound.state !== "waiting";

// --- All queues ---

function queueTable(rows) {
  return table([
    { title: t("Recipient"), cell: (queue) => [h("a", { href: `#/queues/${encodeURIComponent(queue._id)}${queue.gone ? `/${queue.key}` : ""}` }, queue._id), queue.gone && h("span", { class: "tag" }, t("deleted"))] },
    { title: t("State"), cell: (queue) => [queue.paused && h("span", { class: "tag warn" }, t("paused")), queue.online && h("span", { class: "good" }, t("online")), isFaulty(queue.outbound) && h("span", { class: "bad" }, queue.outbound.state)] },
    { title: t("Waiting"), numeric: true, cell: (queue) => number(queue.waiting) },
    { title: t("Under way"), numeric: true, cell: (queue) => number(queue.in_flight) },
    { title: t("Parked"), numeric: true, cell: (queue) => number(queue.parked) },
    { title: t("Dead"), numeric: true, cell: (queue) => h("span", { class: queue.dead > 0 && "bad" }, number(queue.dead)) },
    { title: t("Size"), numeric: true, cell: (queue) => bytes(queue.bytes) },
    { title: t("Oldest"), cell: (queue) => ago(queue.oldest) },
  ], rows, t("Queues"));
}

function showQueues(place) {
  place.append(
    h("h1", {}, title()),
    h("p", {}, h("a", { href: "#/queues//dead" }, t("All dead deliveries"))),
    pager((after) => page("/api/v1/queues", "queues", after), queueTable, t("Nothing waits for anybody.")),
  );
}

// --- What can be done with deliveries ---

async function bulk(action, names, extra = {}) {
  const { results } = await post(`/api/v1/deliveries/${action}`, { deliveries: names, ...extra });
  const bad = results.filter((result) => !result.ok);
  if (bad.length > 0)
    toast(tn(bad.length, "{n} was left: {why}", "{n} were left: {why}", { why: bad[0].detail }), "bad");
  if (results.length > bad.length)
    toast(tn(results.length - bad.length, "{n} done", "{n} done"));
}

const actions = {
  requeue: (names) => bulk("requeue", names),
  drop: (names) => confirmed(t("Drop?"), tn(names.length, "{n} delivery ends for good. Its sender is told.", "{n} deliveries end for good. Their senders are told."),
    t("Drop"), () => bulk("drop", names)),
  move: (names) => {
    const to = h("input", { required: true, autocomplete: "off", spellcheck: "false" });
    return formDialog(t("Move"), field(t("To the user"), to), t("Move"), () => bulk("move", names, { to: to.value }));
  },
};

function actionButtons(names, done) {
  const run = (action) => async () => {
    try {
      if ((await actions[action](names())) !== null)
        done();
    } catch (error) {
      failed(error);
    }
  };
  return [
    h("button", { type: "button", onclick: run("requeue") }, t("Send again")),
    h("button", { type: "button", onclick: run("move") }, t("Move")),
    h("button", { type: "button", class: "danger", onclick: run("drop") }, t("Drop")),
  ];
}

// --- One delivery ---

function attempts(log) {
  return log?.length > 0 && h("section", {}, h("h3", {}, t("Attempts")), table([
    { title: t("Time"), cell: (one) => time(one.time) },
    { title: t("Answer"), cell: (one) => one.status || "–" },
    { title: t("Took"), numeric: true, cell: (one) => `${one.latency_ms} ms` },
    { title: t("Text"), cell: (one) => one.text },
  ], log, t("Attempts")));
}

function pretty(text) {
  return typeof text === "string" ? text : JSON.stringify(text, null, 2);
}

async function showDelivery(name, done) {
  const one = await get(path`/api/v1/deliveries/${name}`);
  await dialog(t("Delivery"), (close) => {
    const message = h("div", {});
    const look = async () => {
      try {
        replace(message, h("pre", { tabindex: "0" }, pretty(await get(path`/api/v1/deliveries/${name}/message`))));
      } catch (error) {
        failed(error);
      }
    };
    return h("div", {},
      h("dl", {},
        h("dt", {}, "_id"), h("dd", { class: "id" }, one._id),
        h("dt", {}, t("From")), h("dd", {}, one.sender),
        h("dt", {}, t("To")), h("dd", {}, one.recipient),
        h("dt", {}, t("State")), h("dd", {}, stateText(one.state), one.reason && ` (${one.reason})`),
        h("dt", {}, t("Accepted")), h("dd", {}, time(one.accepted)),
        h("dt", {}, t("Attempts")), h("dd", {}, number(one.attempts)),
        one.due && [h("dt", {}, t("Due")), h("dd", {}, time(one.due))],
        one.deadline && [h("dt", {}, t("Expires")), h("dd", {}, time(one.deadline))],
        h("dt", {}, t("Size")), h("dd", {}, one.size >= 0 ? bytes(one.size) : "–")),
      attempts(one.log),
      one.has_message && h("div", { class: "buttons" },
        h("button", { type: "button", onclick: look }, t("Show the message")), h("span", { class: "soft" }, t("The log notes who looked."))),
      message,
      h("div", { class: "buttons" },
        states.includes(one.state) && actionButtons(() => [name], () => {
          close(true);
          done();
        }),
        h("button", { type: "button", onclick: () => close(null) }, t("Close"))));
  });
}

// --- Deliveries of a queue, or all dead ones ---

function deliveryList(query) {
  const chosen = new Set();
  const buttons = h("div", { class: "buttons", hidden: true });
  const chooseAll = h("button", { type: "button", class: "plain" }, t("Choose all on this page"));
  let boxes = [];
  const pages = pager(
    (after) => {
      chosen.clear();
      buttons.hidden = true;
      return page(`/api/v1/deliveries?${query}`, "deliveries", after, 100);
    },
    (rows) => {
      boxes = [];
      return table([
        { title: t("Choose"), cell: (one) => box(one) },
        { title: "_id", cell: (one) => h("button", { type: "button", class: "plain id", onclick: () => showDelivery(one.delivery, pages.reload).catch(failed) }, one._id) },
        { title: t("From"), cell: (one) => one.sender },
        { title: t("To"), cell: (one) => one.recipient },
        { title: t("State"), cell: (one) => [stateText(one.state), one.reason && h("span", { class: "soft" }, ` ${one.reason}`)] },
        { title: t("Attempts"), numeric: true, cell: (one) => number(one.attempts) },
        { title: t("Since"), cell: (one) => ago(one.since) },
      ], rows, t("Deliveries"));
    },
    t("There are none."),
  );
  function box(one) {
    const element = h("input", { type: "checkbox", "aria-label": t("Choose {id}", { id: one._id }) });
    element.addEventListener("change", () => {
      if (element.checked)
        chosen.add(one.delivery);
      else
        chosen.delete(one.delivery);
      buttons.hidden = chosen.size === 0;
    });
    boxes.push(element);
    return element;
  }
  chooseAll.addEventListener("click", () => {
    for (const element of boxes) {
      element.checked = true;
      element.dispatchEvent(new Event("change"));
    }
  });
  buttons.append(...actionButtons(() => [...chosen], pages.reload));
  return h("div", {}, h("div", { class: "buttons" }, chooseAll), buttons, pages);
}

function stateFilter(show) {
  const select = h("select", {}, h("option", { value: "" }, t("All")), states.map((state) => h("option", { value: state }, stateText(state))));
  select.addEventListener("change", () => show(select.value));
  return h("div", { class: "row" }, field(t("State"), select));
}

function facts(queue) {
  const outbound = queue.outbound;
  return h("dl", {},
    h("dt", {}, t("Waiting")), h("dd", {}, number(queue.waiting)),
    h("dt", {}, t("Under way")), h("dd", {}, number(queue.in_flight)),
    h("dt", {}, t("Scheduled")), h("dd", {}, number(queue.scheduled)),
    h("dt", {}, t("Parked")), h("dd", {}, number(queue.parked)),
    h("dt", {}, t("Dead")), h("dd", {}, number(queue.dead)),
    h("dt", {}, t("Size")), h("dd", {}, bytes(queue.bytes)),
    h("dt", {}, t("Oldest")), h("dd", {}, ago(queue.oldest)),
    outbound && [h("dt", {}, t("HTTP recipient")), h("dd", {}, h("span", { class: isFaulty(outbound) && "bad" }, outbound.state), ` ${outbound.fault ?? ""}`)]);
}

async function showQueue(place, id, key) {
  const queue = key ? null : await get(path`/api/v1/queues/${id}`);
  const list = h("div", {});
  const base = key ? { key } : { recipient: id };
  const showList = (state) => replace(list, deliveryList(new URLSearchParams({ ...base, ...(state && { state }) })));
  const again = async () => {
    replace(place);
    await showQueue(place, id, key);
  };
  const setPaused = async () => {
    try {
      await post(path`/api/v1/queues/${id}/` + (queue.paused ? "resume" : "pause"), {});
      await again();
    } catch (error) {
      failed(error);
    }
  };
  place.append(
    h("p", {}, h("a", { href: "#/queues" }, t("Queues"))),
    h("h1", {}, id, queue?.paused && h("span", { class: "tag warn" }, t("paused"))),
    ...(queue ? [
      h("div", { class: "buttons" },
        h("button", { onclick: setPaused }, queue.paused ? t("Resume") : t("Pause")),
        h("a", { class: "button", href: `#/users/${encodeURIComponent(id)}` }, t("User"))),
      h("section", { class: "card" }, facts(queue), attempts(queue.outbound?.failures) || ""),
    ] : []),
    stateFilter(showList),
    list,
  );
  showList("");
}

export async function show(place, [id, key]) {
  if (id === "" && key === "dead") {
    place.append(h("p", {}, h("a", { href: "#/queues" }, t("Queues"))), h("h1", {}, t("Dead deliveries")),
      deliveryList(new URLSearchParams({ state: "dead" })));
    return;
  }
  if (id)
    await showQueue(place, id, key);
  else
    showQueues(place);
}
