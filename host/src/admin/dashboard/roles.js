// Which role may use which tool, and which glob decides.

import { api, seldom } from "./api.js";
import { field, h, icon, setText } from "./dom.js";
import { count } from "./format.js";

/** How many tools are drawn at once. */
const AT_ONCE = 200;

/** Fills `section`. */
export function rolesView(section, page) {
  let roles = [];
  let matrix = [];
  let known = "";
  const again = seldom(page);
  let shown = AT_ONCE;
  const search = h("input", { type: "search", autocomplete: "off", spellcheck: "false", oninput: () => { shown = AT_ONCE; draw(); } });
  const verdict = h("p", { class: "verdict" });
  const head = h("tr", null);
  const body = h("tbody", null);
  const table = h("table", { role: "grid", "aria-labelledby": "roles-title", "aria-describedby": "roles-help" }, h("thead", null, head), body);
  const scroll = h("div", { class: "scroll matrix", tabindex: "0", role: "region", "aria-label": "Roles against tools" }, table);
  const more = h("button", { type: "button", class: "quiet", hidden: true, onclick: () => { shown += AT_ONCE; draw(); } }, "Show more");
  const none = h("p", { class: "notice plain", hidden: true });
  section.append(
    h("div", { class: "view-head" }, h("h2", { id: "roles-title", tabindex: "-1" }, "Roles")),
    h("form", { class: "filters", role: "search", "aria-label": "Find tools in the table", onsubmit: (event) => event.preventDefault() }, field("Tool", search, { long: true })),
    h("p", { id: "roles-help", class: "unseen" }, "Arrow keys move between the cells; each says which glob decides."),
    verdict, none, scroll, more);

  async function refresh() {
    if (!again.due()) return;
    const answer = await api("GET", "roles").catch((error) => {
      again.reset();
      throw error;
    });
    const now = JSON.stringify(answer);
    if (now === known) return;
    known = now;
    ({ roles, matrix } = answer);
    draw();
  }

  function draw() {
    const wanted = search.value.trim().toLowerCase();
    const fitting = matrix.filter(({ tool }) => tool.toLowerCase().includes(wanted));
    head.replaceChildren(h("th", { scope: "col" }, "Tool"), ...roles.map((role) => h("th", { scope: "col" }, role.name, h("span", { class: "of" }, [role.current && "yours", role.default && "default"].filter(Boolean).join(", ")))));
    body.replaceChildren(...fitting.slice(0, shown).map((row) => h("tr", null, h("th", { scope: "row" }, row.tool), roles.map((role, index) => cell(row, role, index)))));
    scroll.hidden = fitting.length === 0;
    none.hidden = fitting.length > 0;
    setText(none, matrix.length === 0 ? "There are no tools to decide on yet." : "No tool has this in its name.");
    more.hidden = fitting.length <= shown;
    setText(more, `Show more of ${count(fitting.length, "tool")}`);
    body.querySelector("button")?.setAttribute("tabindex", "0");
    setText(verdict, "Point at a cell, or choose it, to see which glob decides.");
  }

  function cell({ tool, decisions }, role, index) {
    const decision = decisions[index];
    const words = told(tool, role, decision);
    const button = h("button", { type: "button", class: decision.visible ? "cell yes" : "cell no", tabindex: "-1", "aria-label": words, onmouseenter: () => setText(verdict, words), onclick: () => setText(verdict, words), onfocus: (event) => take(event.currentTarget, words) }, icon(decision.visible ? "yes" : "no"));
    return h("td", null, button);
  }

  /** One cell of the table is reached by the tab key: the one that was used last. */
  function take(button, words) {
    setText(verdict, words);
    body.querySelectorAll('button[tabindex="0"]').forEach((other) => other.setAttribute("tabindex", "-1"));
    button.setAttribute("tabindex", "0");
  }

  table.addEventListener("keydown", (event) => {
    const [down, right] = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key] ?? [0, 0];
    const at = event.target.closest("td");
    if (!at || (down === 0 && right === 0)) return;
    const row = body.rows[at.parentElement.rowIndex - 1 + down];
    const next = row?.cells[at.cellIndex + right]?.querySelector("button");
    if (!next) return;
    event.preventDefault();
    next.focus();
  });

  return {
    refresh,
    forget() {
      roles = [];
      matrix = [];
      known = "";
      again.reset();
      search.value = "";
      draw();
    },
  };
}

/** A decision in words. */
function told(tool, role, { visible, by, glob }) {
  const may = `${role.name} ${visible ? "may" : "may not"} use ${tool}`;
  if (by === "everything") return `${may}: the role allows everything.`;
  if (by === "allow") return `${may}: “${glob}” allows it.`;
  if (by === "deny") return `${may}: “${glob}” denies it.`;
  return `${may}: nothing allows it.`;
}
