// SPDX-License-Identifier: LGPL-2.1-or-later
// settings: the configuration in force. It is changed in simplebus.ini on the server, not here.

import { get } from "../api.js";
import { h, table } from "../dom.js";
import { t } from "../i18n.js";

export const title = () => t("Settings");

function value(key) {
  if (key.secret)
    return h("span", { class: "soft" }, key.is_set ? t("set, not shown") : t("not set"));
  return h("code", {}, key.value || "–");
}

function group(name, keys) {
  return h("section", {}, h("h2", {}, name), table([
    { title: t("Key"), cell: (key) => h("code", {}, key.key) },
    { title: t("Value"), cell: (key) => [value(key), key.value !== key.default && !key.secret && h("div", { class: "soft" }, t("default: {value}", { value: key.default || "–" }))] },
    { title: t("Set by"), cell: (key) => key.origin },
    { title: t("Changes with"), cell: (key) => (key.reloadable ? t("reload") : t("restart")) },
    { title: t("Meaning"), cell: (key) => key.summary },
  ], keys, name));
}

function groupBy(keys) {
  const groups = new Map();
  for (const key of keys)
    groups.set(key.group, [...(groups.get(key.group) ?? []), key]);
  return groups;
}

function pluginTable(plugins) {
  return table([
    { title: t("Plugin"), cell: (plugin) => h("code", {}, plugin.name) },
    { title: t("Version"), cell: (plugin) => plugin.version },
    { title: t("State"), cell: (plugin) => (plugin.error ? h("span", { class: "bad" }, plugin.error) : plugin.loaded ? h("span", { class: "good" }, t("in use")) : t("not used")) },
    { title: t("Description"), cell: (plugin) => plugin.description },
  ], plugins, t("Plugins"));
}

export async function show(place) {
  const [configuration, { plugins }] = await Promise.all([get("/api/v1/configuration"), get("/api/v1/plugins")]);
  const groups = groupBy(configuration.keys);
  place.append(
    h("h1", {}, title()),
    h("p", { class: "soft" }, t("They are changed in simplebus.ini on the server.")),
    ...Array.from(groups, ([name, keys]) => group(name, keys)),
    h("h2", {}, t("Plugins")), pluginTable(plugins),
  );
}
