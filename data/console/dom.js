// SPDX-License-Identifier: LGPL-2.1-or-later
// dom: elements made of data. What comes from the bus becomes text or an attribute, never markup.

import { t } from "./i18n.js";

// h("button", { class: "primary", onclick: save }, "Save"): an element with its children.
// Children may be strings, numbers, nodes, arrays of them, and null for nothing.
export function h(name, attributes, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes ?? {})) {
    if (value === null || value === undefined || value === false)
      continue;
    if (key.startsWith("on"))
      element.addEventListener(key.slice(2), value);
    else if (key === "value" || key === "checked")
      element[key] = value;
    else
      element.setAttribute(key, value === true ? "" : String(value));
  }
  append(element, children);
  return element;
}

function append(element, children) {
  for (const child of children.flat(Infinity))
    if (child !== null && child !== undefined && child !== false)
      element.append(child);
}

export function replace(element, ...children) {
  element.replaceChildren();
  append(element, children);
}

// An SVG element; the same rules.
export function svg(name, attributes, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes ?? {}))
    if (value !== null && value !== undefined)
      element.setAttribute(key, String(value));
  append(element, children);
  return element;
}

// Says something to those who do not see it.
export function announce(text) {
  document.getElementById("announcer").textContent = text;
}

// A line at the bottom that goes by itself, unless it tells of a failure.
export function toast(text, kind = "good") {
  let place = document.getElementById("toasts");
  if (!place)
    document.body.append((place = h("div", { id: "toasts" })));
  const line = h(
    "div",
    { class: `toast ${kind}`, role: kind === "bad" ? "alert" : "status" },
    text,
    h("button", { class: "plain", "aria-label": t("Close"), onclick: () => line.remove() }, "×"),
  );
  place.append(line);
  if (kind !== "bad")
    setTimeout(() => line.remove(), 5000);
}

export function failed(error) {
  toast(error.message, "bad");
}

// A field with its label; help and error are read with it.
let fieldCount = 0;
export function field(label, control, help) {
  const id = `field-${++fieldCount}`;
  control.id = id;
  if (help)
    control.setAttribute("aria-describedby", `${id}-help`);
  return h(
    "div",
    { class: control.type === "checkbox" ? "field check" : "field" },
    h("label", { for: id }, label),
    control,
    help && h("p", { id: `${id}-help`, class: "help" }, help),
  );
}

// A dialog that resolves to what `close` was given, null for Escape. `build (close)` makes what is in it.
export function dialog(title, build) {
  return new Promise((resolve) => {
    let answer = null;
    const close = (value) => {
      answer = value;
      element.close();
    };
    const heading = h("h2", { id: "dialog-title" }, title);
    const element = h("dialog", { "aria-labelledby": "dialog-title" }, heading);
    append(element, [build(close)]);
    element.addEventListener("close", () => {
      element.remove();
      resolve(answer);
    });
    document.body.append(element);
    element.showModal();
  });
}

// A form in a dialog. `submit` does it and may throw; the dialog stays open then and shows why.
export function formDialog(title, fields, action, submit, danger = false) {
  return dialog(title, (close) => {
    const fault = h("p", { class: "fault", role: "alert", hidden: true });
    const button = h("button", { class: danger ? "danger" : "primary" }, action);
    const form = h(
      "form",
      {
        onsubmit: async (event) => {
          event.preventDefault();
          button.disabled = true;
          try {
            close((await submit()) ?? true);
          } catch (error) {
            fault.textContent = error.message;
            fault.hidden = false;
          } finally {
            button.disabled = false;
          }
        },
      },
      fields,
      fault,
      h(
        "div",
        { class: "buttons" },
        h("button", { type: "button", onclick: () => close(null) }, t("Cancel")),
        button,
      ),
    );
    return form;
  });
}

// Asks before something that cannot be taken back. Resolves to whether to do it; `act` does it first.
export function confirmed(title, text, action, act = async () => true) {
  return formDialog(title, h("p", {}, text), action, act, true);
}

// A table. columns: [{ title, cell (row) → child, numeric? }]. On a phone each row becomes a card,
// so that cells carry their column's title.
export function table(columns, rows, caption) {
  return h(
    "table",
    {},
    caption && h("caption", { class: "visually-hidden" }, caption),
    h(
      "thead",
      {},
      h(
        "tr",
        {},
        columns.map((column) => h("th", { scope: "col", class: column.numeric && "numeric" }, column.title)),
      ),
    ),
    h(
      "tbody",
      {},
      rows.map((row) =>
        h(
          "tr",
          {},
          columns.map((column) =>
            h("td", { "data-title": column.title, class: column.numeric && "numeric" }, column.cell(row)),
          ),
        ),
      ),
    ),
  );
}

// A list in pages. `load (after)` resolves to { rows, next }; `show (rows)` makes the element.
export function pager(load, show, empty) {
  const place = h("div", { class: "pages", "aria-busy": "true" });
  const before = [];
  async function go(after) {
    place.setAttribute("aria-busy", "true");
    try {
      const { rows, next } = await load(after);
      const buttons = (before.length > 0 || next) && h(
        "div",
        { class: "buttons" },
        h("button", { disabled: before.length === 0, onclick: () => go(before.pop()) }, t("Back")),
        h("button", {
          disabled: !next,
          onclick: () => {
            before.push(after);
            go(next);
          },
        }, t("Next")),
      );
      replace(place, rows.length > 0 || before.length > 0 ? show(rows) : h("p", { class: "empty" }, empty), buttons);
    } catch (error) {
      replace(place, h("p", { class: "fault", role: "alert" }, error.message));
    }
    place.setAttribute("aria-busy", "false");
    current = after;
  }
  let current = null;
  go(null);
  place.reload = () => go(current);
  return place;
}
