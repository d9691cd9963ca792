// The catalogue of tools, and a form to try one.

import { api, path, seldom, told } from "./api.js";
import { field, freshId, h, openDialog, say, setText } from "./dom.js";
import { argumentsForm } from "./form.js";
import { count, duration, pretty } from "./format.js";
import { showTrace } from "./trace.js";

/** How many tools of a group are drawn at once. */
const AT_ONCE = 100;
/** Groups that begin open: only where there are few tools. */
const FEW = 60;

/** Fills `section`. */
export function toolsView(section, page) {
  let tools = [];
  let known = "";
  const again = seldom(page);
  let roles = [];
  const opened = new Map();
  const search = h("input", { type: "search", autocomplete: "off", spellcheck: "false", oninput: () => draw() });
  const source = h("select", { onchange: () => draw() });
  const role = h("select", { onchange: () => anotherRole() });
  const roleField = field("As role", role);
  const summary = h("p", { class: "summary small muted", role: "status" });
  const groups = h("div", null);
  section.append(
    h("div", { class: "view-head" }, h("h2", { id: "tools-title", tabindex: "-1" }, "Tools")),
    h("form", { class: "filters", role: "search", "aria-label": "Find tools", onsubmit: (event) => event.preventDefault() }, field("Search", search, { long: true }), field("Server, plugin or pipeline", source), roleField),
    summary, groups);

  function anotherRole() {
    again.reset();
    refresh().catch((error) => setText(summary, told(error)));
  }

  async function refresh() {
    if (!again.due()) return;
    const may = page.overview.may.actAs;
    if (roles.length === 0) {
      roles = (await api("GET", "roles")).roles;
      role.replaceChildren(...roles.map(({ name, current }) => h("option", { value: name, selected: current }, name)));
    }
    roleField.hidden = !may || roles.length < 2;
    const as = roleField.hidden || isOwn(role.value) ? "" : `?role=${encodeURIComponent(role.value)}`;
    const answer = await api("GET", `tools${as}`).catch((error) => {
      again.reset();
      throw error;
    });
    const now = JSON.stringify(answer);
    if (now === known) return;
    known = now;
    tools = answer.tools;
    const sources = [...new Set(tools.map((tool) => tool.source))];
    const chosen = wanted ?? source.value;
    source.replaceChildren(h("option", { value: "" }, "All"), ...sources.map((name) => h("option", { value: name }, name)));
    source.value = sources.includes(chosen) ? chosen : "";
    wanted = null;
    draw();
  }
  let wanted = null;
  const isOwn = (name) => roles.find((one) => one.name === name)?.current === true;

  function draw() {
    const words = search.value.trim().toLowerCase().split(/\s+/).filter(Boolean);
    const fitting = tools.filter((tool) => (source.value === "" || tool.source === source.value) && words.every((word) => [tool.publicName, tool.title, tool.description].some((text) => text?.toLowerCase().includes(word))));
    const bySource = Map.groupBy(fitting, (tool) => tool.source);
    setText(summary, tools.length === 0 ? "This role sees no tools." : `${count(fitting.length, "tool")} of ${tools.length.toLocaleString()}.`);
    groups.replaceChildren(...[...bySource].map(([name, members]) => group(name, members, fitting.length)));
  }

  /** The tools of one source, drawn when they are looked at. */
  function group(name, members, all) {
    const list = h("ul", { "aria-label": `Tools of ${name}` });
    const more = h("button", { type: "button", class: "quiet", hidden: true, onclick: () => drawMore() });
    const element = h("details", { class: "group" }, h("summary", null, name, h("span", { class: "muted" }, `${kindOf(members[0].kind)}, ${count(members.filter((tool) => !tool.placeholder).length, "tool")}`)), list, more);
    const drawMore = () => {
      const from = list.children.length;
      list.append(...members.slice(from, from + AT_ONCE).map((tool) => entry(tool)));
      const left = members.length - list.children.length;
      more.hidden = left === 0;
      setText(more, `Show ${Math.min(left, AT_ONCE)} more of ${members.length}`);
      if (from > 0) list.children[from]?.querySelector("button").focus();
    };
    element.addEventListener("toggle", () => {
      // What somebody opened or closed stays so while there are too many to begin open.
      opened.set(name, element.open);
      if (element.open && list.children.length === 0) drawMore();
    });
    element.open = opened.get(name) ?? (all <= FEW || source.value === name);
    if (element.open) drawMore();
    return element;
  }

  function entry(tool) {
    const { publicName, title, description, placeholder, listed } = tool;
    const marks = [...hints(tool.annotations), !listed && "not listed", placeholder && "not known yet"].filter(Boolean);
    return h("li", { class: "tool", "data-tool": publicName },
      h("div", null, h("h3", null, publicName), title && h("p", null, h("strong", null, title)), description && h("p", null, description), marks.length > 0 && h("div", { class: "tags" }, marks.map((words) => h("span", { class: "tag" }, words)))),
      h("button", { type: "button", onclick: () => tryOut(tool) }, "Open", h("span", { class: "unseen" }, ` ${publicName}`)));
  }

  function tryOut(tool) {
    const { publicName, title, description, inputSchema, outputSchema, annotations } = tool;
    const schemas = [["Schema of the arguments", inputSchema], ["Schema of the result", outputSchema], ["Annotations", annotations]].filter(([, value]) => value);
    const form = calling(tool);
    openDialog(title ?? publicName, [
      title && h("p", { class: "mono" }, publicName),
      h("div", { class: "split" },
        h("div", null, description && h("p", { class: "whole" }, description), schemas.map(([words, value]) => h("details", { class: "more" }, h("summary", null, words), h("pre", { tabindex: "0", "aria-label": words }, pretty(value))))),
        form),
    ].filter(Boolean), { broad: true });
  }

  function calling({ publicName, inputSchema }) {
    const given = argumentsForm(inputSchema);
    const mayChoose = page.overview.may.actAs && roles.length > 1;
    const as = h("select", null, roles.map(({ name }) => h("option", { value: name }, name)));
    as.value = role.value;
    const result = h("div", { class: "result" });
    const run = h("button", { type: "submit", class: "primary" }, "Call");
    const form = h("form", { class: "fields", novalidate: true, autocomplete: "off", "aria-label": `Call ${publicName}` }, h("h3", null, "Try it"), given.element, mayChoose && field("As role", as), h("div", null, run), result);
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      run.disabled = true;
      result.replaceChildren(h("p", { class: "muted" }, "Calling…"));
      try {
        const body = { arguments: given.read() };
        if (mayChoose && !isOwn(as.value)) body.role = as.value;
        result.replaceChildren(...outcome(await api("POST", `tools/${path(publicName)}/call`, body), page.overview.may.status));
      } catch (error) {
        result.replaceChildren(h("p", { class: "error", role: "alert" }, told(error)));
      }
      run.disabled = false;
      page.soon();
    });
    return form;
  }

  return {
    refresh,
    /** Shows the tools of one source. */
    only(name) {
      search.value = "";
      const has = [...source.options].some(({ value }) => value === name);
      // Otherwise it is chosen as soon as its tools are there.
      wanted = has ? null : name;
      source.value = has ? name : "";
      if (!has) again.reset();
      draw();
    },
    forget() {
      tools = [];
      roles = [];
      known = "";
      again.reset();
      wanted = null;
      opened.clear();
      search.value = "";
      source.replaceChildren();
      role.replaceChildren();
      groups.replaceChildren();
    },
  };
}

const kindOf = (kind) => ({ server: "server", plugin: "plugin", pipeline: "pipeline", gateway: "the gateway's own" })[kind] ?? kind;

/** What a tool says of its behaviour: claims, and called so. */
function hints(annotations) {
  const { readOnlyHint, destructiveHint, idempotentHint, openWorldHint } = annotations ?? {};
  return [readOnlyHint === true && "says: only reads", destructiveHint === true && readOnlyHint !== true && "says: may destroy", idempotentHint === true && "says: may be repeated", openWorldHint === true && "says: reaches outside"].filter(Boolean);
}

/** What a call gave. */
function outcome({ id, ok, durationMs, result }, mayTrace) {
  const parts = (result?.content ?? []).map((part) => content(part));
  const structured = result?.structuredContent;
  say(ok ? `Done in ${duration(durationMs)}` : "The tool failed");
  return [
    h("p", null, h("strong", { class: ok ? "mark good" : "mark bad" }, ok ? "Done" : "Failed"), ` in ${duration(durationMs)} `, mayTrace && id && h("button", { type: "button", class: "plain-button", onclick: () => showTrace(id) }, "Show the call")),
    ...parts,
    structured !== undefined && h("h4", null, "Structured content"),
    structured !== undefined && h("pre", { tabindex: "0", "aria-label": "Structured content" }, pretty(structured)),
  ].filter(Boolean);
}

/** A part of a result. Pictures are shown; everything else is text. */
function content(part) {
  if (part?.type === "text") return h("pre", { tabindex: "0", "aria-label": "Text" }, String(part.text));
  if (part?.type === "image" && /^image\/(png|jpeg|gif|webp)$/.test(part.mimeType) && /^[A-Za-z0-9+/=\s]*$/.test(part.data)) {
    return h("img", { src: `data:${part.mimeType};base64,${part.data}`, alt: "The picture that the tool gave" });
  }
  return h("pre", { tabindex: "0", id: freshId("part"), "aria-label": String(part?.type ?? "Part") }, pretty(part));
}
