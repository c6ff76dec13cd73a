// SPDX-License-Identifier: LGPL-2.1-or-later
// api: requests to the bus, its lists, and the streams that it sends.

import { t } from "./i18n.js";

// What the bus refused, in its words. `reason` is the word for programs.
export class BusError extends Error {
  constructor(status, reason, detail) {
    super(detail);
    this.status = status;
    this.reason = reason;
  }
}

let signedOut = () => {};

// `handler` is called when the bus does not know the browser any more.
export function onSignedOut(handler) {
  signedOut = handler;
}

async function explain(response) {
  try {
    const problem = await response.json();
    return new BusError(response.status, problem.reason ?? "", problem.detail ?? problem.title);
  } catch {
    return new BusError(response.status, "", t("The bus answered {status}", { status: response.status }));
  }
}

async function request(method, path, body, headers = {}) {
  let response;
  try {
    response = await fetch(path, {
      method,
      body,
      headers: { "X-Simplebus-Console": "1", ...headers },
      credentials: "same-origin",
      redirect: "error",
    });
  } catch {
    throw new BusError(0, "offline", t("The bus cannot be reached"));
  }
  if (response.status === 401 && path !== "/api/v1/session")
    signedOut();
  if (!response.ok)
    throw await explain(response);
  return response;
}

async function read(response) {
  const type = response.headers.get("Content-Type") ?? "";
  return type.includes("json") ? response.json() : response.text();
}

const json = { "Content-Type": "application/json" };

export const get = async (path) => read(await request("GET", path));
export const post = async (path, value, headers) =>
  read(await request("POST", path, JSON.stringify(value), { ...json, ...headers }));
export const remove = async (path) => read(await request("DELETE", path));
export const raw = request;

// path`/api/v1/users/${id}`: what is put in is percent-encoded.
export function path(strings, ...values) {
  return String.raw({ raw: strings }, ...values.map((value) => encodeURIComponent(value)));
}

// A page of a list of the API as a pager wants it.
export async function page(address, member, after, limit = 50) {
  const url = new URL(address, location.origin);
  url.searchParams.set("limit", limit);
  if (after)
    url.searchParams.set("after", after);
  const answer = await get(url.pathname + url.search);
  return { rows: answer[member], next: answer.next };
}

// Server-sent events until the returned function is called. The browser connects again by itself; when
// the bus refuses, it has ended, and a request tells why.
export function stream(address, handlers, onState = () => {}) {
  const source = new EventSource(address);
  for (const [name, handler] of Object.entries(handlers))
    source.addEventListener(name, (event) => handler(JSON.parse(event.data)));
  source.addEventListener("open", () => onState(true));
  source.addEventListener("error", () => {
    onState(false);
    if (source.readyState === EventSource.CLOSED)
      get("/api/v1/session").then((session) => session.user ?? signedOut(), () => {});
  });
  return () => source.close();
}
