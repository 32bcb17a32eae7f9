// What the pages share. Texts are set as texts: nothing that a token or a file says becomes markup.

/** The element with this id. */
export const byId = (id) => document.getElementById(id);

/** A new element with its attributes and what is in it: elements, or texts. */
export function element(name, attributes = {}, ...inside) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== false) made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...inside.filter((part) => part !== null && part !== undefined));
  return made;
}

/** A text in which characters that cannot be seen, or turn others around, stand as their numbers. */
export const visible = (text) =>
  String(text).replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, (c) => (c === "\n" ? c : `\\u{${c.codePointAt(0).toString(16)}}`));

/** Sends JSON to the server of this page; its answer, or an Error with what the server says of it. */
export async function post(path, value, headers = {}) {
  let response;
  try {
    response = await fetch(path, {
      method: "POST",
      headers: { "Content-Type": "application/json", ...headers },
      body: value === undefined ? undefined : JSON.stringify(value),
      cache: "no-store",
      credentials: "omit",
      redirect: "error",
      referrerPolicy: "no-referrer",
    });
  } catch {
    throw new Error("the command cannot be reached: does it still run?");
  }
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) {
    const error = new Error(answer.error ?? `the answer is ${response.status}`);
    error.status = response.status;
    throw error;
  }
  return answer;
}

const SVG = "http://www.w3.org/2000/svg";

/** The picture of a state: a shape for each, so that colour is not needed to tell them apart. */
export function icon(state) {
  const shapes = {
    passed: ["circle", "M6.5 10.5 9 13l5-6"],
    failed: ["square", "M7 7l6 6M13 7l-6 6"],
    "not reached": ["dashed", "M7.5 10h5"],
  };
  const [outline, mark] = shapes[state] ?? shapes["not reached"];
  const svg = document.createElementNS(SVG, "svg");
  const add = (name, attributes) => {
    const part = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) part.setAttribute(key, value);
    svg.append(part);
  };
  for (const [key, value] of Object.entries({ viewBox: "0 0 20 20", "aria-hidden": "true", class: "icon" })) {
    svg.setAttribute(key, value);
  }
  if (outline === "square") add("rect", { x: 1.5, y: 1.5, width: 17, height: 17, rx: 3 });
  else add("circle", { cx: 10, cy: 10, r: 8.5, ...(outline === "dashed" ? { "stroke-dasharray": "2.2 2.6" } : {}) });
  add("path", { d: mark });
  return svg;
}
