// Cards of servers and plugins. A card is made once and then kept up to date, so that the focus stays where it is.

import { h, icon, s, setText } from "./dom.js";
import { bytes, duration } from "./format.js";

/** What a state is called, and its shape. */
export const STATES = {
  connected: ["good", "good", "Connected"],
  running: ["good", "good", "Running"],
  loaded: ["good", "good", "Loaded"],
  ready: ["good", "good", "Ready"],
  connecting: ["warn", "warn", "Connecting"],
  starting: ["warn", "warn", "Starting"],
  disconnected: ["", "dim", "Idle"],
  idle: ["", "dim", "Idle"],
  stopped: ["", "dim", "Idle"],
  error: ["bad", "bad", "Error"],
  failed: ["bad", "bad", "Error"],
  disabled: ["", "off", "Disabled"],
};

/** Has `element` be the pill of a state. */
export function setState(element, state) {
  if (element.dataset.state === state) return;
  element.dataset.state = state;
  const [colour, shape, words] = STATES[state] ?? ["", "dim", state];
  element.className = `pill ${colour}`.trim();
  element.replaceChildren(icon(shape), words);
}

/** How many calls make a line. */
const ENOUGH = 5;

/** How latencies went: a line without axes, whose numbers stand beside it. */
export function sparkline(values) {
  const drawn = s("svg", { class: "spark", viewBox: "0 0 100 30", preserveAspectRatio: "none", role: "img" });
  const most = Math.max(...values);
  const x = (index) => ((index / (values.length - 1)) * 100).toFixed(2);
  const y = (value) => (28 - (most === 0 ? 0 : value / most) * 25).toFixed(2);
  const line = values.map((value, index) => `${index === 0 ? "M" : "L"}${x(index)} ${y(value)}`).join("");
  const words = `The last ${values.length} calls took from ${duration(Math.min(...values))} to ${duration(most)}`;
  drawn.setAttribute("aria-label", words);
  drawn.append(s("title", null, words), s("path", { class: "below", d: `${line}V30H0Z` }), s("path", { d: line }));
  return drawn;
}

/**
 * A card. `actions` are `[key, words, listener, {danger, shown}]`; `update(item)` takes `{name, state, from, what, numbers,
 * latency, error, off}`.
 */
export function card(name, actions) {
  const state = h("span", { class: "pill" });
  const from = h("p", { class: "from" });
  const what = h("p", { class: "what" });
  const numbers = h("dl", { class: "numbers" });
  const latency = h("div", { class: "latency", hidden: true });
  const mishap = h("p", { class: "mishap" });
  const buttons = actions.map(({ words, act, danger }) => h("button", { type: "button", class: danger ? "danger" : null, onclick: (event) => act(event.currentTarget) }, words, h("span", { class: "unseen" }, ` ${name}`)));
  const element = h("li", { class: "card", "data-name": name },
    h("header", null, h("h3", null, name), state), from, what, numbers, latency, mishap, h("div", { class: "actions" }, buttons));
  let drawn = "";
  const update = (item) => {
    setState(state, item.state);
    setOrHide(from, item.from);
    from.title = item.from ?? "";
    setOrHide(what, item.what);
    setOrHide(mishap, item.error);
    element.classList.toggle("off", item.off === true);
    setNumbers(numbers, item.numbers);
    const now = JSON.stringify(item.latency ?? null);
    if (now !== drawn) showLatency(latency, item.latency);
    drawn = now;
    actions.forEach(({ words, shown }, index) => {
      const button = buttons[index];
      button.hidden = shown ? !shown(item) : false;
      const text = typeof item.words?.[words] === "string" ? item.words[words] : words;
      if (button.firstChild.data !== text) button.firstChild.data = text;
    });
  };
  return { element, update };
}

function setOrHide(element, text) {
  setText(element, text ?? "");
  element.hidden = !text;
}

function setNumbers(list, numbers) {
  const given = numbers.filter(([, value]) => value !== null && value !== undefined);
  const same = list.children.length === given.length && given.every(([label], index) => list.children[index].firstChild.textContent === label);
  if (!same) list.replaceChildren(...given.map(([label]) => h("div", null, h("dt", null, label), h("dd", null))));
  given.forEach(([, value], index) => setText(list.children[index].lastChild, value));
}

function showLatency(place, latency) {
  place.hidden = !latency || (latency.recentMs ?? []).length === 0;
  if (place.hidden) return place.replaceChildren();
  const shown = [["p50", latency.p50Ms], ["p90", latency.p90Ms], ["p99", latency.p99Ms]];
  return place.replaceChildren(latency.recentMs.length < ENOUGH ? "" : sparkline(latency.recentMs), h("dl", { "aria-label": "Latency" }, shown.map(([label, value]) => h("div", null, h("dt", null, label), h("dd", null, duration(value))))));
}

/** What a card says of a server or plugin in numbers. */
export function numbersOf({ tools, status, calls, starts, memoryBytes, latencyMs }) {
  const number = (value) => (typeof value === "number" ? value.toLocaleString() : undefined);
  return [
    // Of what has not been started yet, nothing may be known.
    ["Tools", tools.length > 0 || status === "connected" ? number(tools.length) : "–"],
    ["Calls", number(calls)],
    ["Starts", number(starts)],
    ["Ping", typeof latencyMs === "number" ? duration(latencyMs) : undefined],
    ["Memory", typeof memoryBytes === "number" ? bytes(memoryBytes) : undefined],
  ];
}

/** Has a list of cards show `items`, each with its own card. */
export function keep(list, cards, items, make) {
  const names = new Set(items.map(({ name }) => name));
  for (const [name, one] of cards) {
    if (names.has(name)) continue;
    one.element.remove();
    cards.delete(name);
  }
  items.forEach((item, index) => {
    if (!cards.has(item.name)) cards.set(item.name, make(item));
    const one = cards.get(item.name);
    one.update(item);
    if (list.children[index] !== one.element) list.insertBefore(one.element, list.children[index] ?? null);
  });
}

