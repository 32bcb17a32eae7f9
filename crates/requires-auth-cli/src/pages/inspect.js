// The inspector: sends what stands in the fields to the command, and shows its answer. It keeps nothing.

import { byId, element, icon, post, visible } from "./shared.js";

const FIELDS = ["token", "method", "url", "issuer", "proof", "certificate"];
const WORDS = { passed: "passed", failed: "failed", "not reached": "not reached" };

let meanings = {};
let asked = 0;

/** Offers the issuers and routes of the configuration. */
async function offer() {
  const choices = await post("choices", {});
  meanings = choices.meanings;
  byId("source").textContent = source(choices);
  const issuers = choices.issuers.filter((issuer) => issuer.choosable);
  for (const issuer of issuers) {
    byId("issuer").append(element("option", { value: issuer.name }, visible(`${issuer.name}: ${issuer.issuer}`)));
  }
  byId("issuer-field").hidden = issuers.length === 0;
  choices.routes.forEach((route, place) => {
    byId("route").append(element("option", { value: String(place) }, visible(`${route.name} (${route.needs})`)));
  });
  byId("route-field").hidden = choices.routes.length === 0;
  byId("route").addEventListener("change", () => {
    const route = choices.routes[Number(byId("route").value)];
    const chosen = byId("route").value !== "";
    byId("method").value = chosen ? route.method : "GET";
    byId("url").value = chosen ? route.path : "";
  });
}

function source(choices) {
  if (choices.source === "file") return `as the gateway of ${visible(choices.name)} judges it`;
  if (!choices.judges) return "nothing is judged: start it with an issuer or a configuration file";
  const issuer = choices.issuers[0];
  const scopes = choices.scopes ? `, scopes: ${choices.scopes}` : "";
  return visible(issuer ? `${issuer.issuer} for ${issuer.audience.join(", ") || "no audience"}${scopes}` : "by a key set");
}

/** Asks about the token, and shows the answer. */
async function check() {
  const own = ++asked;
  const button = byId("check");
  button.setAttribute("aria-busy", "true");
  try {
    const fields = Object.fromEntries(FIELDS.map((name) => [name, byId(name).value]));
    const answer = await post("explain", fields);
    if (own === asked) show(answer);
  } catch (error) {
    if (own === asked) complain(error.message);
  } finally {
    button.removeAttribute("aria-busy");
  }
}

function show(answer) {
  verdict(answer);
  const notes = byId("notes");
  notes.replaceChildren(...answer.notes.map((note) => element("li", {}, note)));
  notes.hidden = answer.notes.length === 0;
  byId("ladder").replaceChildren(...answer.checks.map((check) => rung(check, answer)));
  members("claims", answer.claims, answer.kind);
  members("header", answer.header, answer.kind);
  byId("curl").textContent = visible(answer.curl);
  byId("told").hidden = false;
}

function verdict(answer) {
  const state = { allowed: "passed", refused: "failed" }[answer.verdict] ?? "not reached";
  const { error, hint } = answer;
  const title = {
    allowed: "Allowed",
    refused: `Refused: ${error?.status} ${error?.code}`,
    "not judged": "Not judged",
  }[answer.verdict];
  const line = {
    allowed: "Every check that is made has passed.",
    refused: `${sentence(answer.message)}.`,
    "not judged": "This is what the token says. Nothing of it is verified.",
  }[answer.verdict];
  const box = byId("verdict");
  box.className = `verdict ${state.replace(" ", "-")}`;
  box.replaceChildren(
    element("p", { class: "title" }, icon(state), element("span", {}, title, error?.reason ? element("code", {}, error.reason) : "")),
    element("p", {}, line),
    hint ? todo(hint, answer.verdict === "allowed" ? "Note" : "What to do") : "",
    answer.route ? fact("Route", answer.route) : "",
    error?.challenge ? fact("WWW-Authenticate", error.challenge) : "",
  );
}

const todo = (hint, title = "What to do") => element("p", { class: "hint" }, element("strong", {}, `${title}: `), visible(hint));
const fact = (label, text) => element("p", { class: "fact" }, element("span", { class: "label" }, label), " ", element("code", {}, visible(text)));
const sentence = (text) => (text ? text[0].toUpperCase() + text.slice(1) : "");

/** One check: its state as a shape and as a word, and what was found. */
function rung(check, answer) {
  const state = check.outcome;
  const reached = state !== "not reached";
  const facts = element("dl", { class: "facts" });
  if (reached) {
    for (const [label, text] of [["found", check.found], ["expected", check.expected]]) {
      facts.append(element("dt", {}, label), element("dd", {}, visible(text || "nothing")));
    }
  }
  const title = element(
    "p",
    { class: "what" },
    element("code", {}, check.check),
    element("span", {}, meanings[check.check] ?? ""),
    element("span", { class: "state" }, WORDS[state]),
  );
  const body = element("div", { class: "body" });
  if (state === "failed") {
    body.append(title, facts, answer.hint ? todo(answer.hint) : "");
  } else {
    body.append(title, reached ? facts : "");
  }
  return element("li", { class: `rung ${state.replace(" ", "-")}` }, icon(state), body);
}

/** The members of the header or the claims, with times in words. */
function members(id, list, kind) {
  const box = byId(id);
  if (!list) {
    const why = { opaque: "This is an opaque token: only its issuer can tell what it is good for.", encrypted: "This token is encrypted." };
    box.replaceChildren(element("div", { class: "member" }, element("dd", {}, why[kind] ?? "It is not readable.")));
    return;
  }
  box.replaceChildren(
    ...list.map((member) => {
      const time = [member.relative, member.date].filter(Boolean).join(", ");
      return element(
        "div",
        { class: "member" },
        element("dt", {}, visible(member.name)),
        element(
          "dd",
          {},
          element("span", { class: "value" }, visible(member.value)),
          time ? element("span", { class: "time" }, time) : null,
          member.ignored && id === "header" ? element("span", { class: "time" }, "ignored: only keys of the issuer count") : null,
        ),
      );
    }),
  );
}

function complain(message) {
  const box = byId("verdict");
  box.className = "verdict problem";
  box.replaceChildren(element("p", { class: "title" }, icon("failed"), element("span", {}, "It could not be checked")), element("p", {}, `${sentence(message)}.`));
  byId("told").hidden = true;
}

function forget() {
  asked += 1;
  byId("form").reset();
  byId("told").hidden = true;
  for (const id of ["ladder", "claims", "header", "curl", "notes"]) byId(id).replaceChildren();
  byId("verdict").className = "verdict";
  byId("verdict").replaceChildren(element("p", { class: "empty" }, "Forgotten. Nothing of it is kept, here or in the command."));
  byId("token").focus();
}

byId("form").addEventListener("submit", (event) => {
  event.preventDefault();
  check();
});
byId("form").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    byId("form").requestSubmit();
  }
});
byId("details").addEventListener("click", () => {
  const shown = byId("ladder").classList.toggle("detailed");
  byId("details").setAttribute("aria-pressed", String(shown));
});
byId("forget").addEventListener("click", forget);
byId("copy").addEventListener("click", async () => {
  await navigator.clipboard.writeText(byId("curl").textContent).catch(() => undefined);
  byId("copy").textContent = "Copied";
  setTimeout(() => (byId("copy").textContent = "Copy"), 1500);
});
// A page that is left is kept by no browser with a token in it.
addEventListener("pagehide", () => byId("form").reset());
offer().catch((error) => complain(error.message));
