// SPDX-License-Identifier: LGPL-2.1-or-later
// users: who may use the bus, how each is reached, and what waits for it.

import { get, page, path, post, remove } from "../api.js";
import { confirmed, field, formDialog, h, pager, replace, table, toast } from "../dom.js";
import { ago, number, t, tn } from "../i18n.js";
import { showSettings } from "../device.js";

export const title = () => t("Users");

const link = (id) => h("a", { href: `#/users/${encodeURIComponent(id)}` }, id);
const tags = (user) => user.tags.map((tag) => h("span", { class: "tag" }, tag));

function presence(user) {
  if (user.online)
    return h("span", { class: "good" }, t("online"));
  return h("span", { class: "soft" }, user.last_seen ? ago(user.last_seen) : t("not seen"));
}

// --- The list ---

function list(rows) {
  return table([
    { title: t("Name"), cell: (user) => [link(user._id), " ", user.admin && h("span", { class: "tag" }, t("admin"))] },
    { title: t("Tags"), cell: tags },
    { title: t("Last seen"), cell: presence },
    { title: t("In its queue"), numeric: true, cell: (user) => number(user.queue?.waiting ?? 0) },
    { title: t("Oldest"), cell: (user) => ago(user.queue?.oldest) },
  ], rows, t("Users"));
}

function showList(place, app) {
  const search = h("input", { type: "search", autocomplete: "off" });
  let pages = null;
  function load(after) {
    const query = new URLSearchParams({ expand: "queue", ...(search.value && { search: search.value }) });
    return page(`/api/v1/users?${query}`, "users", after);
  }
  function renew() {
    const next = pager(load, list, t("Nobody"));
    pages?.replaceWith(next);
    pages = next;
    return next;
  }
  search.addEventListener("change", renew);
  place.append(
    h("h1", {}, title()),
    h("div", { class: "buttons" },
      h("button", { class: "primary", onclick: () => edit(null, app, renew) }, t("Add a user")),
      h("a", { class: "button", href: "#/users//import" }, t("Import")),
      h("a", { class: "button", href: "#/users//sheet" }, t("Sheet of QR codes"))),
    h("div", { class: "row" }, field(t("Find by name or tag"), search)),
    renew(),
  );
}

// --- Adding and changing ---

function propertiesField(user) {
  const properties = user?.connection_properties;
  return h("textarea", {
    spellcheck: "false", value: properties ? JSON.stringify(properties, null, 2) : "",
    placeholder: '{"type": "http", "url": "https://erp.example/hs/bus"}',
  });
}

function readProperties(text) {
  if (text.trim() === "")
    return null;
  try {
    return JSON.parse(text);
  } catch {
    throw new Error(t("The connection properties are not JSON"));
  }
}

// Only what was changed is sent: secrets that were not shown stay as they are.
function makeChange(user, fields) {
  const change = { _id: user?._id ?? fields.name.value };
  const wanted = fields.tags.value.split(/[\s,]+/).filter(Boolean);
  if (!user || wanted.join() !== user.tags.join())
    change.tags = wanted;
  if (fields.password.value)
    change.password = fields.password.value;
  if (!user || fields.admin.checked !== user.admin)
    change.admin = fields.admin.checked;
  if (fields.properties.value !== fields.propertiesBefore)
    change.connection_properties = readProperties(fields.properties.value);
  return change;
}

async function edit(user, app, done) {
  const fields = {
    name: h("input", { required: true, maxlength: 64, autocomplete: "off", spellcheck: "false" }),
    password: h("input", {
      type: "password", required: !user, autocomplete: "new-password", minlength: app.session.min_password_length,
    }),
    tags: h("input", { value: user?.tags.join(" ") ?? "", autocomplete: "off", spellcheck: "false" }),
    admin: h("input", { type: "checkbox", checked: user?.admin ?? false }),
    properties: propertiesField(user),
  };
  fields.propertiesBefore = fields.properties.value;
  const saved = await formDialog(user ? t("Change {name}", { name: user._id }) : t("Add a user"), [
    !user && field(t("Name"), fields.name),
    field(user ? t("New password") : t("Password"), fields.password,
      user && t("Empty: it stays. Another one ends the user's sessions.")),
    field(t("Tags"), fields.tags, t("With blanks between")),
    field(t("Administrator"), fields.admin),
    field(t("Connection properties"), fields.properties,
      t("For a recipient that the bus calls over HTTP. Secrets are not shown: who changes this writes them again.")),
  ], t("Save"), () => post("/put_users", [makeChange(user, fields)]));
  if (saved !== null) {
    toast(t("Saved"));
    done();
  }
}

// --- One user ---

function queueFacts(queue) {
  return h("dl", {},
    h("dt", {}, t("Waiting")), h("dd", {}, number(queue.waiting), " ", h("span", { class: "soft" }, ago(queue.oldest))),
    h("dt", {}, t("Parked")), h("dd", {}, number(queue.parked)),
    h("dt", {}, t("Dead")), h("dd", {}, number(queue.dead)),
    queue.outbound && [h("dt", {}, t("HTTP recipient")), h("dd", {}, outboundText(queue.outbound))]);
}

function outboundText(outbound) {
  const failure = outbound.last_failure;
  return [h("span", { class: outbound.state === "ok" ? "good" : "bad" }, outbound.state), " ",
    outbound.fault ?? (failure ? `${failure.status} ${failure.text} ${ago(failure.time)}` : "")];
}

async function erase(user, queue) {
  const waiting = queue.waiting + queue.in_flight;
  const what = waiting > 0
    ? tn(waiting, "{n} delivery that waits for it will be dead; it can be moved to another user then.",
      "{n} deliveries that wait for it will be dead; they can be moved to another user then.")
    : t("Nothing waits for it.");
  const gone = await confirmed(t("Delete {name}?", { name: user._id }),
    `${what} ${t("What it has sent stays. Its files are not for it any more.")}`, t("Delete"),
    () => remove(path`/api/v1/users/${user._id}`));
  if (gone !== null)
    location.hash = "#/users";
}

async function showUser(place, id, app) {
  const [user, queue] = await Promise.all([
    get(path`/api/v1/users/${id}`), get(path`/api/v1/queues/${id}`),
  ]);
  const again = async () => {
    replace(place);
    await showUser(place, id, app);
  };
  place.append(
    h("p", {}, h("a", { href: "#/users" }, t("Users"))),
    h("h1", {}, user._id, " ", user.admin && h("span", { class: "tag" }, t("admin"))),
    h("p", {}, presence(user), " ", tags(user)),
    h("div", { class: "buttons" },
      h("button", { class: "primary", onclick: () => edit(user, app, again) }, t("Change")),
      h("button", { onclick: () => showSettings(user) }, t("Device settings")),
      h("a", { class: "button", href: `#/queues/${encodeURIComponent(id)}` }, t("Queue")),
      h("button", { class: "danger", onclick: () => erase(user, queue) }, t("Delete"))),
    h("section", { class: "card" }, h("h2", {}, t("Queue")), queueFacts(queue)),
    user.connection_properties && h("section", { class: "card" }, h("h2", {}, t("Connection properties")),
      h("pre", {}, JSON.stringify(user.connection_properties, null, 2))) || "",
  );
}

export async function show(place, [id, part], app) {
  if (id === "" && part === "import")
    return (await import("./users-import.js")).show(place);
  if (id === "" && part === "sheet")
    return (await import("./users-sheet.js")).show(place);
  if (id)
    await showUser(place, id, app);
  else
    showList(place, app);
}
