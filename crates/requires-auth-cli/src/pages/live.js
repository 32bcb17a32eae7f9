// The live view: asks the gateway each second what it decides, and shows it. The secret stays in a variable of this page.

import { byId, element, icon, post, visible } from "./shared.js";

const PERIOD = 1000;
const SECONDS = 120;
const MOST_ROWS = 100;

let secret = "";
let timer;
let paused = false;
let before;
let history = [];

async function ask() {
  clearTimeout(timer);
  const own = secret;
  try {
    const state = await post("live/state", undefined, { Authorization: `Bearer ${own}` });
    if (own !== secret) return;
    enter();
    if (!paused) show(state);
    status(state.stopping ? "the gateway is stopping" : state.ready ? "ready" : "not ready: keys are missing");
  } catch (error) {
    if (own !== secret) return;
    if (error.status === 401 || error.status === 404) return leave(error.message);
    status(`no answer: ${error.message}`);
    before = undefined;
  }
  timer = setTimeout(ask, PERIOD);
}

function status(text) {
  // Only a change is told: a screen reader would read it out each second.
  if (byId("status").textContent !== text) byId("status").textContent = text;
}

function enter() {
  if (!byId("view").hidden) return;
  byId("login").hidden = true;
  byId("view").hidden = false;
  byId("rates-title").focus();
}

function leave(message) {
  clearTimeout(timer);
  secret = "";
  before = undefined;
  history = [];
  byId("login").hidden = false;
  byId("view").hidden = true;
  byId("refused").hidden = !message;
  byId("refused").textContent = message ?? "";
  status("requires-auth");
  byId("secret").focus();
}

function show(state) {
  const now = { at: performance.now(), totals: new Map(), timed: state.timed };
  const rows = state.decisions.map((row) => {
    const key = JSON.stringify([row.route, row.outcome, row.code]);
    now.totals.set(key, row.total);
    return { ...row, rate: before ? (row.total - (before.totals.get(key) ?? 0)) / ((now.at - before.at) / 1000) : 0 };
  });
  const sum = (test) => rows.filter(test).reduce((all, row) => all + row.rate, 0);
  const allowed = sum((row) => row.outcome !== "refused");
  const refused = sum((row) => row.outcome === "refused");
  byId("allowed").textContent = rate(allowed);
  byId("refusals-rate").textContent = rate(refused);
  byId("remembered").textContent = state.remembered_tokens.toLocaleString("en");
  byId("mean").textContent = mean(now, before);
  if (before) chart(allowed, refused);
  before = now;
  routes(rows);
  byId("issuers").replaceChildren(...state.issuers.map(issuer));
  byId("refusals").replaceChildren(...(state.refusals.length ? state.refusals.map(refusal) : [nothing(4, "none yet")]));
}

const rate = (value) => (value >= 100 ? Math.round(value).toLocaleString("en") : value.toFixed(1));

function mean(now, then) {
  const count = now.timed.count - (then?.timed.count ?? 0);
  const seconds = now.timed.seconds - (then?.timed.seconds ?? 0);
  if (count <= 0) return "-";
  const micros = (seconds / count) * 1e6;
  return micros < 1000 ? `${micros.toFixed(micros < 10 ? 1 : 0)} \u00b5s` : `${(micros / 1000).toFixed(1)} ms`;
}

function routes(rows) {
  const shown = rows.filter((row) => row.total > 0).sort((a, b) => b.rate - a.rate || b.total - a.total);
  const cells = (row) => [
    head(row.route || "no route"),
    cell("outcome", tag({ allowed: "passed", refused: "failed" }[row.outcome] ?? "not reached", row.outcome)),
    cell("code", element("code", {}, row.code || "-")),
    number("each second", rate(row.rate)),
    number("in all", row.total.toLocaleString("en")),
  ];
  const kept = shown.slice(0, MOST_ROWS);
  byId("routes").replaceChildren(
    ...(kept.length ? kept.map((row) => element("tr", {}, ...cells(row))) : [nothing(5, "nothing was decided yet")]),
  );
  byId("more").hidden = shown.length === kept.length;
  byId("more").textContent = `and ${shown.length - kept.length} more rows`;
}

function issuer(own) {
  const state = { fresh: "passed", on_demand: "passed", stale: "not reached" }[own.state] ?? "failed";
  return element(
    "tr",
    {},
    head(own.issuer),
    cell("state", tag(state, own.state.replace("_", " "))),
    number("keys", own.skipped ? `${own.keys}, ${own.skipped} not used` : String(own.keys)),
    number("age", duration(own.age)),
    number("next refresh", own.next_refresh === 0 ? "due" : duration(own.next_refresh, "in ")),
    cell("last fetch", own.last_error ? element("code", {}, own.last_error) : { fetched: "good", state_file: "from the state file", static: "from the configuration" }[own.source] ?? "-"),
  );
}

function refusal(own) {
  const time = new Date(own.at * 1000);
  return element(
    "tr",
    {},
    cell("when", element("time", { datetime: time.toISOString() }, time.toLocaleTimeString("en-GB"))),
    cell("route", visible(own.route || "no route")),
    cell("answer", element("span", {}, `${own.status} `, element("code", {}, own.code), own.shadow ? " (passed: shadow)" : "")),
    cell("reason", element("code", {}, own.reason ?? "-")),
  );
}

const head = (text) => element("th", { scope: "row" }, visible(text));
const cell = (label, inside) => element("td", { "data-label": label }, inside);
const number = (label, text) => element("td", { "data-label": label, class: "number" }, text);
const nothing = (columns, text) => element("tr", {}, element("td", { colspan: columns, class: "empty" }, text));
const tag = (state, text) => element("span", { class: `tag ${state.replace(" ", "-")}` }, icon(state), text);

function duration(seconds, before = "") {
  if (seconds === null) return "-";
  if (seconds < 120) return `${before}${seconds} s`;
  return seconds < 7200 ? `${before}${Math.floor(seconds / 60)} min` : `${before}${Math.floor(seconds / 3600)} h`;
}

/** The rates of the last two minutes as two lines, one of them dashed. */
function chart(allowed, refused) {
  history = [...history, [allowed, refused]].slice(-SECONDS);
  const most = Math.max(1, ...history.flat());
  byId("most").textContent = rate(most);
  const line = (place) =>
    history
      .map((rates, at) => `${at ? "L" : "M"}${(SECONDS - history.length + at + 1).toFixed(1)} ${(38 - (rates[place] / most) * 35).toFixed(2)}`)
      .join("");
  const path = (name, d) => {
    const made = document.createElementNS("http://www.w3.org/2000/svg", "path");
    made.setAttribute("class", name);
    made.setAttribute("d", d);
    return made;
  };
  byId("chart").replaceChildren(path("axis", "M0 38.5H120"), path("allowed", line(0)), path("refused", line(1)));
}

byId("login").addEventListener("submit", (event) => {
  event.preventDefault();
  secret = byId("secret").value.trim();
  byId("login").reset();
  byId("refused").hidden = true;
  // What a header cannot hold is no secret.
  if (/^[\x21-\x7e]+$/.test(secret)) ask();
  else leave("that is not the secret of admin_token");
});
byId("pause").addEventListener("click", () => {
  paused = !paused;
  before = undefined;
  byId("pause").setAttribute("aria-pressed", String(paused));
});
byId("leave").addEventListener("click", () => leave());
addEventListener("pagehide", () => leave());
byId("secret").focus();
