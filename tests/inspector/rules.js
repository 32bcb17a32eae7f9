// What is wrong with a page for people who use a keyboard or a screen reader, or see little contrast: a text for each
// finding. Rules of WCAG 2.2, of which only what can be computed is here.
const found = [];
const all = (selector, root = document) => [...root.querySelectorAll(selector)];
const seen = (own) => own.checkVisibility({ opacityProperty: true, visibilityProperty: true }) && own.getClientRects().length > 0;
const named = (own) => `<${own.localName}${own.id ? ` id=${own.id}` : ""}> ${own.textContent.trim().slice(0, 30)}`;

// 4.1.2: every control has a name.
for (const own of all("input, select, textarea, button, summary, a[href]").filter(seen)) {
  const labels = (own.getAttribute("aria-labelledby") ?? "").split(" ").filter(Boolean).map((id) => document.getElementById(id));
  const name = [own.getAttribute("aria-label"), ...labels.map((label) => label?.textContent), ...[...(own.labels ?? [])].map((label) => label.textContent)];
  if (/^(button|summary|a)$/.test(own.localName)) name.push(own.textContent);
  if (!name.some((text) => text?.trim())) found.push(`no name: ${named(own)}`);
}

// 1.3.1: what refers to another element finds it, and no id is there twice.
const ids = all("[id]").map((own) => own.id);
for (const id of new Set(ids.filter((id, place) => ids.indexOf(id) !== place))) found.push(`twice the id ${id}`);
for (const attribute of ["for", "aria-labelledby", "aria-describedby", "aria-controls", "list"]) {
  for (const own of all(`[${attribute}]`)) {
    for (const id of own.getAttribute(attribute).split(" ")) {
      if (!document.getElementById(id)) found.push(`${attribute} of ${named(own)} finds nothing`);
    }
  }
}

// 1.3.1, 2.4.2, 3.1.1: language, title, one main part, headings without a gap, tables with heads.
if (!document.documentElement.lang) found.push("no language");
if (!document.title.trim()) found.push("no title");
if (all("main").length !== 1) found.push("not one main part");
if (all("h1").filter(seen).length !== 1) found.push("not one h1");
let level = 0;
for (const own of all("h1, h2, h3, h4, h5, h6").filter(seen)) {
  const next = Number(own.localName[1]);
  if (next > level + 1) found.push(`a level of headings is left out before ${named(own)}`);
  level = next;
}
for (const own of all("table")) {
  if (!all("th[scope]", own).length) found.push(`a table without heads: ${named(own)}`);
}
for (const own of all("svg, img")) {
  if (own.getAttribute("aria-hidden") !== "true" && !own.getAttribute("aria-label") && !own.getAttribute("alt")) found.push(`a picture without a text: ${named(own)}`);
}

// 2.4.3, 2.5.8: the order of the focus is that of the page, and a control is large enough to be hit.
for (const own of all("[tabindex]")) {
  if (Number(own.getAttribute("tabindex")) > 0) found.push(`an order of its own: ${named(own)}`);
}
for (const own of all("button, input, select, textarea, summary").filter(seen)) {
  const { width, height } = own.getBoundingClientRect();
  if (width < 24 || height < 22) found.push(`small: ${named(own)} ${width} x ${height}`);
}

// 1.4.3: contrast of every text with what is behind it.
const numbers = (colour) => (colour.match(/[\d.]+/g) ?? []).map(Number);
const luminance = (colour) => {
  const [red, green, blue] = numbers(colour).map((part) => part / 255).map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
};
const ground = (own) => {
  for (let at = own; at; at = at.parentElement) {
    const colour = getComputedStyle(at).backgroundColor;
    const alpha = numbers(colour)[3] ?? 1;
    if (alpha === 1) return colour;
    if (alpha > 0) found.push(`a ground that is half seen through: ${named(at)}`);
  }
  return "rgb(255, 255, 255)";
};
const contrast = (one, other) => {
  const [light, dark] = [luminance(one), luminance(other)].sort((a, b) => b - a);
  return (light + 0.05) / (dark + 0.05);
};
for (const own of all("body *").filter(seen)) {
  const texts = [...own.childNodes].filter((node) => node.nodeType === Node.TEXT_NODE && node.textContent.trim());
  if (!texts.length && !own.value) continue;
  const style = getComputedStyle(own);
  const size = parseFloat(style.fontSize);
  const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
  const ratio = contrast(style.color, ground(own));
  if (ratio < (large ? 3 : 4.5)) found.push(`contrast ${ratio.toFixed(2)}: ${named(own)}`);
}

// 1.4.10: nothing stands out of the page.
const width = document.documentElement.clientWidth;
if (document.documentElement.scrollWidth > width) found.push(`the page is ${document.documentElement.scrollWidth} wide, and ${width} can be seen`);
for (const own of all("body *").filter(seen)) {
  const box = own.getBoundingClientRect();
  const clipped = own.closest("svg, .skip, thead, option, datalist");
  if (!clipped && (box.right > width + 1 || box.left < -1)) found.push(`stands out: ${named(own)}`);
}
return found;
