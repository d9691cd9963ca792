// A call, and the calls within it.

import { api, told } from "./api.js";
import { h, mark, openDialog, s } from "./dom.js";
import { clock, count, duration } from "./format.js";

/** Shows the call that has this id, or contains the one that has. */
export async function showTrace(id) {
  const place = h("div", { class: "fields" }, h("p", { class: "muted" }, "Asking the gateway…"));
  openDialog("Call", place, { broad: true });
  try {
    const { calls } = await api("GET", "calls?limit=1000");
    const call = calls.find((one) => contains(one, id));
    place.replaceChildren(...(call ? trace(call) : [h("p", null, "The gateway does not remember this call any more.")]));
  } catch (error) {
    place.replaceChildren(h("p", { class: "error" }, told(error)));
  }
}

const contains = (call, id) => call.id === id || call.nested.some((inner) => contains(inner, id));
const countOf = (call) => call.nested.reduce((sum, inner) => sum + 1 + countOf(inner), 0);

/** The elements that show a call. */
export function trace(call) {
  const begin = Date.parse(call.startedAt);
  const whole = Math.max(call.durationMs ?? 0, ...spans(call, begin));
  const step = (one) => {
    const line = h("div", { class: "step" },
      h("span", null, h("strong", { class: "mono" }, one.tool), " ", h("span", { class: "muted small" }, one.server)),
      bar(Date.parse(one.startedAt) - begin, one.durationMs, whole),
      h("span", null, mark(one.status === "cancelled" ? "warn" : one.status), " ", h("span", { class: "small" }, one.status === "running" ? "is running" : `${one.status === "cancelled" ? "cancelled, " : ""}${duration(one.durationMs)}`)),
      one.error && h("p", { class: "mishap" }, one.error));
    return h("li", null, line, one.nested.length > 0 ? h("ol", null, one.nested.map(step)) : null);
  };
  const inner = countOf(call);
  const facts = [["Began", clock(call.startedAt)], ["Role", call.role], ["Method", call.method], ["Calls within", String(inner)]];
  return [
    h("dl", { class: "numbers" }, facts.map(([label, value]) => h("div", null, h("dt", null, label), h("dd", null, value)))),
    h("ol", { class: "trace", "aria-label": inner === 0 ? "The call" : `The call, with ${count(inner, "call")} within` }, step(call)),
    call.arguments && h("h3", null, "Arguments"),
    call.arguments && h("pre", { tabindex: "0", "aria-label": "Arguments" }, call.arguments),
  ].filter(Boolean);
}

const spans = (call, begin) => [Date.parse(call.startedAt) - begin + (call.durationMs ?? 0), ...call.nested.flatMap((inner) => spans(inner, begin))];

/** When within the whole it ran; the same is said in numbers beside it. */
function bar(from, took, whole) {
  const share = (ms) => (whole <= 0 ? 0 : Math.min(100, Math.max(0, (ms / whole) * 100)));
  const start = Math.min(share(from), 99);
  const width = Math.max(1, Math.min(share(took ?? whole - from), 100 - start));
  return s("svg", { class: "span", viewBox: "0 0 100 8", preserveAspectRatio: "none", "aria-hidden": "true" },
    s("rect", { class: "ground", x: 0, y: 2, width: 100, height: 4 }), s("rect", { class: "time", x: start.toFixed(2), y: 0, width: width.toFixed(2), height: 8 }));
}
