// Servers, plugins and pipelines.

import { addPlugin, addServer } from "./adding.js";
import { api, path, told } from "./api.js";
import { card, keep, numbersOf } from "./cards.js";
import { confirmed, h, icon, openDialog, say } from "./dom.js";
import { bytes, count, duration } from "./format.js";

/** Fills `section`, and says how to keep it up to date. */
export function serversView(section, page) {
  const lists = { backends: part("Servers", "backends"), plugins: part("Plugins", "plugins"), pipelines: part("Pipelines", "pipelines") };
  const addOne = (words, open) => h("button", { type: "button", class: "primary", hidden: true, onclick: () => open(page) }, icon("plus"), words);
  const add = { backends: addOne("Add server", addServer), plugins: addOne("Add plugin", addPlugin) };
  const head = (title, name, level = "h2") => h("div", { class: "view-head" }, title, h("div", { class: "actions" }, add[name]));
  section.append(
    head(h("h2", { id: "servers-title", tabindex: "-1" }, "Servers"), "backends"), ...lists.backends.elements,
    h("section", { class: "part", "aria-labelledby": "plugins-title" }, head(h("h2", { id: "plugins-title" }, "Plugins"), "plugins"), ...lists.plugins.elements),
    lists.pipelines.section = h("section", { class: "part", "aria-labelledby": "pipelines-title", hidden: true }, head(h("h2", { id: "pipelines-title" }, "Pipelines"), "pipelines"), ...lists.pipelines.elements),
  );

  return {
    async refresh() {
      const [backends, plugins, pipelines] = await Promise.all([api("GET", "backends"), api("GET", "plugins"), api("GET", "pipelines")]);
      const may = page.overview?.may;
      if (!may) return;
      add.backends.hidden = !may.register;
      add.plugins.hidden = !may.register;
      lists.pipelines.section.hidden = pipelines.length === 0;
      lists.backends.show(backends.map((one) => serverItem(one)), () => [may.register ? "No servers yet. Add one here, or write it into gateway.yaml." : "There are no servers that this role may use."], (one) => sourceCard(one, "backends", page));
      lists.plugins.show(plugins.map((one) => pluginItem(one)), () => [may.register ? "No plugins yet. Add one here, or write it into gateway.yaml." : "There are no plugins that this role may use."], (one) => sourceCard(one, "plugins", page));
      lists.pipelines.show(pipelines.map((one) => pipelineItem(one)), () => [], (one) => pipelineCard(one, page));
    },
    forget() {
      Object.values(lists).forEach((list) => list.show([], () => [], () => {}));
    },
  };
}

/** A list of cards, or what stands in its place where there are none. */
function part(title) {
  const list = h("ul", { class: "cards", "aria-label": title });
  const none = h("p", { class: "notice plain", hidden: true });
  const cards = new Map();
  const show = (items, empty, make) => {
    keep(list, cards, items, make);
    list.hidden = items.length === 0;
    none.hidden = items.length > 0;
    none.replaceChildren(...empty());
  };
  return { elements: [list, none], show };
}

const stateOf = ({ enabled, status }) => (!enabled && status !== "error" ? "disabled" : status);

function serverItem(server) {
  const { name, command, url, transport, enabled, error, description, latency } = server;
  const where = url ?? command;
  return {
    name, enabled, error, latency, what: description, off: !enabled,
    state: stateOf(server),
    from: where ? `${transport} · ${where}` : transport,
    numbers: numbersOf({ ...server, calls: latency?.count }),
    words: { Disable: enabled ? "Disable" : "Enable" },
  };
}

function pluginItem(plugin) {
  const { name, source, enabled, error, description, latency } = plugin;
  return {
    name, enabled, error, latency, plugin, what: description, off: !enabled,
    state: stateOf(plugin) === "connected" ? "loaded" : stateOf(plugin),
    from: source,
    numbers: [...numbersOf({ tools: plugin.tools, status: plugin.status, calls: latency?.count }), ["Size", typeof plugin.size === "number" ? bytes(plugin.size) : undefined]],
    words: { Disable: enabled ? "Disable" : "Enable" },
  };
}

function sourceCard({ name }, where, page) {
  const kind = where === "backends" ? "server" : "plugin";
  let item = null;
  let isBusy = false;
  // One thing at a time is done to a server. The buttons are told to be off and stay where the focus is.
  const busy = (now) => {
    isBusy = now;
    one.element.querySelectorAll(".actions button").forEach((button) => button.setAttribute("aria-disabled", String(now)));
  };
  const act = (words, request) => async (button) => {
    if (isBusy) return;
    busy(true);
    try {
      const answer = await request();
      const now = answer?.backend ?? answer?.plugin;
      say(now?.error ? `${name}: ${now.error}` : `${name}: ${words()}`);
    } catch (error) {
      openDialog(`${name} stays as it is`, [h("p", { class: "error", role: "alert" }, told(error))], { returnTo: button });
    }
    await page.refresh();
    busy(false);
  };
  const at = path(where, name);
  const may = (right) => () => page.overview?.may[right] === true;
  const one = card(name, [
    { words: "Tools", act: () => page.go("tools", name), shown: () => true },
    { words: "Permissions", act: () => permissions(item.plugin), shown: () => kind === "plugin" },
    { words: "Reconnect", act: act(() => "done", () => api("POST", `${at}/reconnect`)), shown: ({ enabled }) => kind === "server" && enabled && may("register")() },
    { words: "Disable", act: act(() => (item.enabled ? "disabled" : "enabled"), () => api("PATCH", at, { enabled: !item.enabled })), shown: may("register") },
    {
      words: "Remove",
      danger: true,
      shown: may("remove"),
      act: async (button) => {
        const text = `Calls in flight are finished; after that the ${kind} and its tools are gone for every client.`;
        if (await confirmed(`Remove ${name}?`, text, "Remove")) await act(() => "removed", () => api("DELETE", at))(button);
      },
    },
  ]);
  return {
    element: one.element,
    update(now) {
      item = now;
      one.update(now);
    },
  };
}

function permissions(plugin) {
  const { name, asked, granted, limits } = plugin;
  const rows = [["Web servers", "net"], ["Folders", "files"], ["Environment variables", "env"], ["Other tools", "tools"], ["Asking the client", "client"]];
  const listed = (value) => (value.length === 0 ? h("span", { class: "muted" }, "nothing") : h("ul", null, value.map((one) => h("li", { class: "mono" }, typeof one === "string" ? one : `${one.mount} ← ${one.path}${one.write ? " (may write)" : ""}`))));
  const table = h("table", null,
    h("thead", null, h("tr", null, h("th", { scope: "col" }, "May use"), h("th", { scope: "col" }, "Asked for"), h("th", { scope: "col" }, "Granted"))),
    h("tbody", null, rows.map(([words, key]) => h("tr", null, h("th", { scope: "row" }, words), h("td", null, asked ? listed(asked[key]) : h("span", { class: "muted" }, "does not say")), h("td", null, listed(granted[key]))))));
  const limited = h("dl", { class: "numbers" }, [["Memory", bytes(limits.memoryBytes)], ["Time", duration(limits.timeMs)], ["Output", bytes(limits.outputBytes)], ["At once", String(limits.concurrency)]].map(([label, value]) => h("div", null, h("dt", null, label), h("dd", null, value))));
  openDialog(`Permissions of ${name}`, [h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Permissions" }, table), h("h3", null, "Limits of one call"), limited, plugin.digest && h("p", { class: "small muted" }, "sha256 ", h("code", null, plugin.digest))].filter(Boolean));
}

function pipelineItem({ name, description, steps, publicName }) {
  return { name, from: publicName, what: description, state: "ready", numbers: [["Steps", String(countOf(steps))]], steps };
}

const countOf = (steps) => steps.reduce((sum, { parallel }) => sum + (parallel?.length ? countOf(parallel) : 1), 0);

function pipelineCard({ name }, page) {
  let item = null;
  const one = card(name, [
    { words: "Steps", act: () => showSteps(item) },
    { words: "Tool", act: () => page.go("tools", "pipeline") },
  ]);
  return {
    element: one.element,
    update(now) {
      item = now;
      one.update(now);
    },
  };
}

function showSteps({ name, steps }) {
  const words = ({ tool, conditional, repeated, parallel }) => [parallel?.length ? `${count(parallel.length, "step")} at the same time` : tool ?? "a tool that is not known yet, or not for this role", conditional && "if a condition holds", repeated && "for each of a list"].filter(Boolean).join(", ");
  const list = (of) => h("ol", null, of.map((step) => h("li", null, h("div", { class: "step" }, h("span", null, step.id && h("strong", null, `${step.id} `), words(step))), step.parallel?.length ? list(step.parallel) : null)));
  openDialog(`Steps of ${name}`, [h("div", { class: "trace" }, list(steps))]);
}
