// The log as it is written, and who is connected.

import { api } from "./api.js";
import { field, h, icon, mark, openDialog, say, setText } from "./dom.js";
import { clock, count, duration, pretty } from "./format.js";
import { showTrace } from "./trace.js";

/** How many entries are kept; the gateway has more. */
const KEPT = 1000;
/** How many of them are shown. */
const SHOWN = 300;

/** What an entry is marked with. */
function kindOf({ type, status, level }) {
  if (status) return status;
  if (type === "tool_call") return "running";
  return level;
}

/** Fills `section`; entries come by `add`. */
export function activityView(section, page) {
  let entries = [];
  const ended = new Set();
  let isPaused = false;
  let missed = 0;
  let drawing = false;

  const text = h("input", { type: "search", autocomplete: "off", spellcheck: "false", oninput: () => draw() });
  const server = h("select", { onchange: () => draw() }, h("option", { value: "" }, "All"));
  const status = h("select", { onchange: () => draw() }, [["", "Everything"], ["done", "Calls that ended"], ["ok", "Calls that went well"], ["error", "What failed"], ["event", "Servers and plugins"]].map(([value, words]) => h("option", { value }, words)));
  const pause = h("button", { type: "button", "aria-pressed": "false", onclick: () => setPaused(!isPaused) }, "Pause");
  const clear = h("button", { type: "button", onclick: () => { entries = []; ended.clear(); missed = 0; draw(); say("The log is empty"); } }, "Clear");
  const line = h("span", { class: "pill", id: "stream" }, "Not connected");
  const body = h("tbody", null);
  const none = h("p", { class: "notice plain" }, "Nothing has happened yet.");
  const table = h("div", { class: "scroll", hidden: true }, h("table", { class: "log", "aria-label": "Log, newest first" },
    h("thead", null, h("tr", null, ["Time", "Result", "Server or tool", "What happened", "Took"].map((words) => h("th", { scope: "col", class: words === "Took" ? "number" : null }, words)))), body));
  const summary = h("p", { class: "summary small muted" });
  const people = h("tbody", null);
  const sessions = h("section", { class: "part", "aria-labelledby": "sessions-title" },
    h("div", { class: "view-head" }, h("h2", { id: "sessions-title" }, "Sessions")),
    h("div", { class: "scroll people", tabindex: "0", role: "region", "aria-label": "Connected clients" }, h("table", null, h("thead", null, h("tr", null, ["Client", "Role", "Transport", "MCP", "Since", "Idle"].map((words) => h("th", { scope: "col" }, words)))), people)));
  section.append(
    h("div", { class: "view-head" }, h("h2", { id: "activity-title", tabindex: "-1" }, "Activity"), h("div", { class: "actions" }, line, pause, clear)),
    h("form", { class: "filters", role: "search", "aria-label": "Filter the log", onsubmit: (event) => event.preventDefault() }, field("Text", text, { long: true }), field("Server or plugin", server), field("Show", status)),
    summary, none, table, sessions);

  function setPaused(paused) {
    isPaused = paused;
    missed = 0;
    pause.setAttribute("aria-pressed", String(paused));
    setText(pause, paused ? "Go on" : "Pause");
    draw();
  }

  function fits(entry, wanted) {
    const { backend, tool, message, type, status: went, level, data } = entry;
    // A call that has ended has one row, that of its end.
    if (type === "tool_call" && ended.has(data?.id)) return false;
    if (server.value !== "" && backend !== server.value) return false;
    if (status.value === "done" && type !== "tool_result") return false;
    if (status.value === "ok" && went !== "ok") return false;
    if (status.value === "error" && went !== "error" && level !== "error") return false;
    if (status.value === "event" && type !== "backend_event") return false;
    return wanted === "" || [backend, tool, message, data?.publicName, data?.role].some((part) => typeof part === "string" && part.toLowerCase().includes(wanted));
  }

  function soonDraw() {
    if (drawing) return;
    drawing = true;
    requestAnimationFrame(() => {
      drawing = false;
      draw();
    });
  }

  /** Only rows that are not there yet are made. */
  function draw() {
    if (isPaused && missed > 0) {
      setText(summary, `Paused. ${count(missed, "new entry", "new entries")} since.`);
      return;
    }
    const wanted = text.value.trim().toLowerCase();
    const fitting = entries.filter((entry) => fits(entry, wanted));
    const shown = fitting.slice(-SHOWN).reverse();
    const had = new Map([...body.children].map((row) => [row.dataset.id, row]));
    const rows = shown.map((entry) => had.get(String(entry.id)) ?? row(entry));
    const keep = new Set(rows);
    [...body.children].filter((old) => !keep.has(old)).forEach((old) => old.remove());
    rows.forEach((one, index) => {
      if (body.children[index] !== one) body.insertBefore(one, body.children[index] ?? null);
    });
    table.hidden = rows.length === 0;
    none.hidden = rows.length > 0;
    setText(none, entries.length === 0 ? "Nothing has happened yet." : "Nothing in the log fits.");
    setText(summary, isPaused ? "Paused. What happens is kept for later." : rows.length === 0 ? "" : `${count(fitting.length, "entry", "entries")}${fitting.length > rows.length ? `, the newest ${rows.length} shown` : ""}.`);
  }

  function row(entry) {
    const { id, ts, backend, tool, message, durationMs, data } = entry;
    const subject = data?.publicName ?? [backend, tool].filter(Boolean).join(" · ");
    const call = data?.id;
    const named = call ? h("button", { type: "button", onclick: () => showTrace(call), "aria-label": `${subject}: show this call` }, subject) : subject;
    const more = call === undefined && data && Object.keys(data).length > 0 ? h("button", { type: "button", class: "plain-button", onclick: () => openDialog("Log entry", h("pre", { tabindex: "0" }, pretty(entry))) }, "more") : null;
    return h("tr", { "data-id": id }, h("td", { class: "time" }, h("time", { datetime: ts, title: ts }, clock(ts))), h("td", null, mark(kindOf(entry))), h("td", { class: "name" }, named), h("td", { class: "message" }, message, more && " ", more), h("td", { class: "number" }, typeof durationMs === "number" ? duration(durationMs) : ""));
  }

  function cut() {
    entries = entries.slice(-KEPT);
    const kept = new Set(entries.map(({ data }) => data?.id));
    ended.forEach((id) => kept.has(id) || ended.delete(id));
  }

  function knownServers() {
    const names = new Set(entries.map(({ backend }) => backend).filter(Boolean));
    for (const option of server.options) names.delete(option.value);
    names.forEach((name) => server.append(h("option", { value: name }, name)));
  }

  return {
    add(entry) {
      entries.push(entry);
      if (entry.type === "tool_result" && entry.data?.id) ended.add(entry.data.id);
      if (entries.length > KEPT * 1.2) cut();
      if (entry.backend && ![...server.options].some(({ value }) => value === entry.backend)) knownServers();
      if (isPaused) missed += 1;
      if (!section.hidden) soonDraw();
    },
    connection(state, error) {
      const [colour, shape, words] = { open: ["good", "good", "Live"], waiting: ["warn", "warn", "Reconnecting"], refused: ["bad", "bad", error?.message ?? "Refused"] }[state];
      line.className = `pill ${colour}`;
      line.replaceChildren(icon(shape), words);
    },
    async refresh() {
      soonDraw();
      const now = await api("GET", "sessions");
      sessions.hidden = now.length === 0;
      people.replaceChildren(...now.map(({ client, role, transport, scope, protocolVersion, startedAt, idleMs }) => h("tr", null,
        h("th", { scope: "row" }, client ? [client.name, client.version].filter(Boolean).join(" ") : "not introduced yet", scope && h("span", { class: "muted" }, ` on ${scope}`)),
        h("td", null, role), h("td", null, transport), h("td", null, protocolVersion ?? "–"), h("td", { class: "time" }, clock(startedAt)), h("td", { class: "time" }, idleMs === 0 ? "in use" : duration(idleMs)))));
    },
    forget() {
      entries = [];
      ended.clear();
      missed = 0;
      server.replaceChildren(h("option", { value: "" }, "All"));
      body.replaceChildren();
      people.replaceChildren();
      if (isPaused) setPaused(false);
      draw();
    },
  };
}
