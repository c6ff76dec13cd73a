// SPDX-License-Identifier: LGPL-2.1-or-later
// chart: lines that move on with time. No library: a polyline per series and a text for those who
// do not see it.

import { h, svg } from "./dom.js";
import { number, t } from "./i18n.js";

const WIDTH = 240;
const HEIGHT = 80;

// series: [{ label, class? }]. The chart keeps `length` values of each; `push ([…])` adds the latest.
export function chart(title, series, length = 120, format = number) {
  const history = series.map(() => []);
  const lines = series.map((one) => svg("polyline", { class: one.class }));
  const values = series.map(() => h("span", { class: "value" }, "–"));
  const top = h("span", { class: "soft" });
  const picture = svg(
    "svg",
    { class: "chart", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", role: "img", "aria-label": title },
    lines,
  );

  function draw() {
    const most = Math.max(1, ...history.flat());
    history.forEach((points, i) => {
      const step = WIDTH / (length - 1);
      const start = WIDTH - (points.length - 1) * step;
      lines[i].setAttribute(
        "points",
        points.map((value, k) => `${(start + k * step).toFixed(1)},${(HEIGHT - 2 - (value / most) * (HEIGHT - 6)).toFixed(1)}`).join(" "),
      );
    });
    top.textContent = t("at most {n}", { n: format(most) });
  }

  const element = h(
    "section",
    { class: "card" },
    h("h2", {}, title),
    h("div", { class: "row" }, series.map((one, i) => h("div", {}, values[i], " ", h("span", { class: "soft" }, one.label)))),
    picture,
    top,
  );
  element.push = (latest) => {
    latest.forEach((value, i) => {
      history[i].push(value);
      if (history[i].length > length)
        history[i].shift();
      values[i].textContent = format(value);
    });
    draw();
  };
  return element;
}
