// SPDX-License-Identifier: LGPL-2.1-or-later
// i18n: English is what stands in the code; other languages are tables from it.

const tables = { ru: () => import("./text-ru.js") };

let texts = {};
export let language = "en";

// Takes the first of the browser's languages that there is.
export async function chooseLanguage(wanted = navigator.languages) {
  const found = wanted.map((tag) => tag.slice(0, 2).toLowerCase()).find((tag) => tag === "en" || tables[tag]);
  language = found ?? "en";
  texts = language === "en" ? {} : (await tables[language]()).default;
  document.documentElement.lang = language;
}

function fill(text, values) {
  return text.replace(/\{(\w+)\}/g, (match, name) => (name in values ? String(values[name]) : match));
}

// t ("{n} users", { n: 3 })
export function t(text, values = {}) {
  return fill(texts[text] ?? text, values);
}

// tn (3, "{n} user", "{n} users"): the form for a number. A table has all forms of a language under the
// second text, in the order of its plural rules.
export function tn(n, one, other, values = {}) {
  const rule = new Intl.PluralRules(language).select(n);
  const forms = texts[other];
  const text = Array.isArray(forms)
    ? forms[["one", "few", "many"].indexOf(rule)] ?? forms.at(-1)
    : rule === "one" ? one : other;
  return fill(text, { n: number(n), ...values });
}

export const number = (n) => new Intl.NumberFormat(language).format(n);

export function bytes(n) {
  const units = ["byte", "kilobyte", "megabyte", "gigabyte", "terabyte"];
  let i = 0;
  while (n >= 1000 && i < units.length - 1) {
    n /= 1000;
    i++;
  }
  return new Intl.NumberFormat(language, {
    style: "unit", unit: units[i], unitDisplay: "short", maximumFractionDigits: n < 10 && i > 0 ? 1 : 0,
  }).format(n);
}

export const time = (text) =>
  text ? new Intl.DateTimeFormat(language, { dateStyle: "short", timeStyle: "medium" }).format(new Date(text)) : "–";

// How long ago, or in how long: "3 min ago".
export function ago(text, now = Date.now()) {
  if (!text)
    return "–";
  const seconds = (new Date(text).getTime() - now) / 1000;
  const format = new Intl.RelativeTimeFormat(language, { numeric: "auto", style: "short" });
  for (const [unit, size] of [["day", 86400], ["hour", 3600], ["minute", 60]])
    if (Math.abs(seconds) >= size)
      return format.format(Math.round(seconds / size), unit);
  return format.format(Math.round(seconds), "second");
}
