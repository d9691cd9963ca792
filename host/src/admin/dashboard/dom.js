// Elements. Text always goes in as text: what servers and tools say of themselves is never read as markup.

const SVG = "http://www.w3.org/2000/svg";

/** An element with attributes; `on…` are listeners, `false`, `null` and `undefined` are left out. */
export function h(name, attributes, ...children) {
  return fill(document.createElement(name), attributes, children);
}

/** The same for drawings. */
export function s(name, attributes, ...children) {
  return fill(document.createElementNS(SVG, name), attributes, children);
}

function fill(element, attributes, children) {
  for (const [key, value] of Object.entries(attributes ?? {})) {
    if (value === false || value === null || value === undefined) continue;
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (key === "value" || key === "checked") element[key] = value;
    else element.setAttribute(key, value === true ? "" : String(value));
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** The element with this id, which the page has. */
export const at = (id) => document.getElementById(id);

let last = 0;
/** An id that no other element has. */
export const freshId = (start) => `${start}-${(last += 1)}`;

/** Sets a text only where it is another: screen readers and selections are left alone. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Shapes, so that nothing is said by colour alone. */
const SHAPES = {
  good: [["circle", { cx: 8, cy: 8, r: 6, fill: "currentColor" }]],
  dim: [["circle", { cx: 8, cy: 8, r: 5, fill: "none", stroke: "currentColor", "stroke-width": 2.5 }]],
  off: [["path", { d: "M3 8h10", stroke: "currentColor", "stroke-width": 2.5, "stroke-linecap": "round" }]],
  warn: [
    ["circle", { cx: 8, cy: 8, r: 6, fill: "none", stroke: "currentColor", "stroke-width": 2.5, "stroke-dasharray": "4 3" }],
  ],
  bad: [["path", { d: "M8 1.5 15 14.5H1z", fill: "currentColor" }]],
  yes: [["path", { d: "m3 8.5 3.2 3.2L13 5", fill: "none", stroke: "currentColor", "stroke-width": 2.2, "stroke-linecap": "round", "stroke-linejoin": "round" }]],
  no: [["path", { d: "m4 4 8 8m0-8-8 8", fill: "none", stroke: "currentColor", "stroke-width": 1.8, "stroke-linecap": "round" }]],
  plus: [["path", { d: "M8 3v10M3 8h10", fill: "none", stroke: "currentColor", "stroke-width": 2, "stroke-linecap": "round" }]],
};

/** A small drawing, which screen readers pass over: the words stand beside it. */
export function icon(name) {
  return s("svg", { viewBox: "0 0 16 16", "aria-hidden": "true", focusable: "false" }, SHAPES[name].map(([tag, attributes]) => s(tag, attributes)));
}

const MARKS = {
  ok: ["good", "good", "OK"],
  error: ["bad", "bad", "Error"],
  warn: ["warn", "warn", "Warning"],
  running: ["dim", "dim", "Running"],
  info: ["dim", "off", "Note"],
  debug: ["dim", "off", "Debug"],
};

/** What a mark says in words and by shape. */
export function mark(kind) {
  const [colour, shape, words] = MARKS[kind] ?? MARKS.info;
  return h("span", { class: `mark ${colour}` }, icon(shape), words);
}

/** A labelled field: `control` gets an id, and what stands under it is read with it. */
export function field(label, control, { help, needed, long } = {}) {
  const id = control.id || freshId("field");
  control.id = id;
  const described = help ? h("span", { id: `${id}-help`, class: "help" }, help) : null;
  if (described) control.setAttribute("aria-describedby", described.id);
  if (needed) control.required = true;
  return h("div", { class: long ? "field long" : "field" }, h("label", { for: id }, label, needed && h("span", { class: "needed" }, " (required)")), control, described);
}

/** A dialog over the page; it is gone when it is closed, and the focus is where it was before. */
export function openDialog(title, content, { broad, returnTo } = {}) {
  const back = returnTo ?? document.activeElement;
  const id = freshId("dialog");
  const close = h("button", { type: "button", class: "quiet", "aria-label": "Close", onclick: () => dialog.close() }, icon("no"));
  const heading = h("h2", { id, tabindex: "-1" }, title);
  const dialog = h("dialog", { class: broad ? "broad" : null, "aria-labelledby": id }, h("div", { class: "inside" }, h("header", null, heading, close), content));
  dialog.addEventListener("close", () => {
    dialog.remove();
    if (back?.isConnected) back.focus();
  });
  document.body.append(dialog);
  dialog.showModal();
  (dialog.querySelector("[data-first]") ?? heading).focus();
  return dialog;
}

/** Asks before something is done that cannot be taken back. */
export function confirmed(title, text, action) {
  return new Promise((resolve) => {
    const yes = h("button", { type: "button", class: "danger primary" }, action);
    const no = h("button", { type: "button", "data-first": true }, "Cancel");
    const dialog = openDialog(title, [h("p", null, text), h("div", { class: "actions" }, no, yes)]);
    let answer = false;
    yes.addEventListener("click", () => {
      answer = true;
      dialog.close();
    });
    no.addEventListener("click", () => dialog.close());
    dialog.addEventListener("close", () => resolve(answer));
  });
}

/** Tells those who do not see the page what has just happened. */
export function say(text) {
  const place = at("said");
  place.textContent = "";
  // A text that is the same as before is said again only where there was none in between.
  requestAnimationFrame(() => {
    place.textContent = text;
  });
}
