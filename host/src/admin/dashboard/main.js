// The page: who is there, what is shown, and what is asked for again and again.

import { activityView } from "./activity.js";
import { api, follow, isSignedIn, onRefused, signIn, told } from "./api.js";
import { at, h, icon, say, setText } from "./dom.js";
import { uptime } from "./format.js";
import { rolesView } from "./roles.js";
import { serversView } from "./servers.js";
import { toolsView } from "./tools.js";

/** How often the numbers are asked for, in milliseconds; what happens in between comes with the log. */
const EVERY = 5000;
/** What happens all at once is asked for once. */
const TOGETHER = 250;

const page = {
  overview: null,
  refresh,
  soon,
  /** Shows a view; the tools may be those of one server. */
  go(view, of) {
    if (of !== undefined) views.tools.only(of);
    location.hash = `#/${view}`;
  },
};
const views = { servers: serversView(at("servers"), page), activity: activityView(at("activity"), page), tools: toolsView(at("tools"), page), roles: rolesView(at("roles"), page) };

let timer = null;
let stream = null;
let streamed = false;
let asking = null;
let again = null;

/** Asks for everything that is shown; at once, or once more when what is being asked for has come. */
async function refresh() {
  if (asking) {
    again ??= asking.then(() => {
      again = null;
      return refresh();
    });
    return again;
  }
  asking = ask().finally(() => {
    asking = null;
    clearTimeout(timer);
    timer = setTimeout(refresh, EVERY);
  });
  return asking;
}

function soon() {
  clearTimeout(timer);
  timer = setTimeout(refresh, TOGETHER);
}

async function ask() {
  // Nobody looks, or nobody is there: nothing is asked for.
  if ((document.hidden && page.overview) || (!at("sign-in").hidden && !isSignedIn())) return;
  try {
    const before = page.overview;
    page.overview = await api("GET", "health");
    enter();
    if (before && page.overview.uptimeMs < before.uptimeMs) restarted();
    showOverview(page.overview);
    await current()?.refresh();
    at("lost").hidden = true;
  } catch (error) {
    if (error.status !== 401 && at("sign-in").hidden) {
      setText(at("lost").firstElementChild, `${told(error)} – trying again`);
      at("lost").hidden = false;
    }
  }
}

const named = () => location.hash.replace(/^#\//, "");
function current() {
  return page.overview ? views[viewName()] : null;
}
function viewName() {
  const allowed = page.overview?.may.status ? Object.keys(views) : Object.keys(views).filter((name) => name !== "activity");
  return allowed.includes(named()) ? named() : "servers";
}

/** Somebody is in. */
function enter() {
  at("sign-in").hidden = true;
  if (!at("nav").hidden) return;
  at("nav").hidden = false;
  at("sign-out").hidden = !isSignedIn();
  show(false);
  if (page.overview.may.status) listen();
}

/** Nobody is: nothing of what was shown stays. */
function leave(message) {
  stream?.abort();
  stream = null;
  page.overview = null;
  for (const id of ["nav", "state", "facts", "role", "sign-out", "problems", "lost", ...Object.keys(views)]) at(id).hidden = true;
  Object.values(views).forEach((view) => view.forget());
  document.querySelectorAll("dialog").forEach((dialog) => dialog.close());
  document.title = "Sign in – MCP Gateway";
  at("sign-in-error").textContent = message ?? "";
  if (!at("sign-in").hidden) return;
  at("sign-in").hidden = false;
  at("token").value = "";
  at("token").focus();
}

/** It is another process than before, whose log begins anew. */
function restarted() {
  if (!stream) return;
  stream.abort();
  views.activity.forget();
  listen();
}

/** What has happened already, and what happens from then on. */
async function listen() {
  const { signal } = (stream = new AbortController());
  let from = "0";
  try {
    const { entries } = await api("GET", "logs", undefined, { signal });
    entries.forEach((entry) => views.activity.add(entry));
    from = String(entries.at(-1)?.id ?? 0);
  } catch {
    // Whatever is wrong is wrong with the stream, too, which says so.
  }
  follow("logs/stream", {
    signal,
    from,
    event({ data }) {
      const entry = JSON.parse(data);
      views.activity.add(entry);
      if (entry.type !== "tool_call") soon();
    },
    state(state, error) {
      views.activity.connection(state, error);
      if (state === "open" && streamed) soon();
      streamed = true;
    },
  });
}

function showOverview(overview) {
  const { status, version, uptimeMs, backendCount, connectedBackends, toolCount, problems, name, role } = overview;
  setText(at("title"), name);
  const state = at("state");
  state.hidden = false;
  if (state.dataset.state !== status) {
    const well = status === "ok";
    if (state.dataset.state !== undefined) say(well ? "The gateway is healthy" : "The gateway is degraded");
    state.dataset.state = status;
    state.className = well ? "pill good" : "pill bad";
    state.replaceChildren(icon(well ? "good" : "bad"), well ? "Healthy" : "Degraded");
  }
  const facts = [["Version", version], ["Up", uptime(uptimeMs)], ["Servers", `${connectedBackends} of ${backendCount} connected`], ["Tools", toolCount.toLocaleString()]];
  const list = at("facts");
  list.hidden = false;
  if (list.children.length === 0) list.append(...facts.map(([label]) => h("div", null, h("dt", null, label), h("dd", null))));
  facts.forEach(([, value], index) => setText(list.children[index].lastChild, value));
  at("role").hidden = false;
  setText(at("role"), `Role: ${role}`);
  document.querySelector('#nav a[href="#/activity"]').parentElement.hidden = !overview.may.status;
  showProblems(problems);
}

function showProblems(problems) {
  const section = at("problems");
  section.hidden = problems.length === 0;
  const list = section.querySelector("ul");
  if (list.dataset.of === JSON.stringify(problems)) return;
  list.dataset.of = JSON.stringify(problems);
  list.replaceChildren(...problems.map((problem) => h("li", null, problem)));
  if (problems.length > 0) say(`${problems.length} problems: ${problems[0]}`);
}

function show(moved) {
  const name = viewName();
  for (const id of Object.keys(views)) at(id).hidden = id !== name;
  for (const link of document.querySelectorAll("#nav a")) {
    if (link.hash === `#/${name}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  const heading = at(`${name}-title`);
  document.title = `${heading.textContent} – ${page.overview.name}`;
  if (moved) heading.focus();
}

onRefused((tried) => {
  signIn(null);
  leave(tried ? "This token is not one of the gateway's." : undefined);
});
at("sign-in-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const given = at("token").value.trim();
  if (!/^[\x21-\x7e]+$/.test(given)) return setText(at("sign-in-error"), "A token is one word, without spaces.");
  setText(at("sign-in-error"), "");
  signIn(given);
  await refresh();
  if (!at("sign-in").hidden) return at("token").focus();
  at("token").value = "";
  return at(`${viewName()}-title`).focus();
});
at("sign-out").addEventListener("click", () => {
  signIn(null);
  leave();
});
globalThis.addEventListener("hashchange", () => {
  if (!page.overview || named() === "" || at(named().concat("-title")) === null) return;
  show(true);
  refresh();
});
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) soon();
});

function theme() {
  const root = document.documentElement;
  const button = at("theme");
  const isDark = () => (root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches);
  const label = () => setText(button, isDark() ? "Light colours" : "Dark colours");
  button.addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    try {
      localStorage.setItem("theme", root.dataset.theme);
    } catch {
      // A browser that keeps nothing: it holds as long as the page.
    }
    label();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", label);
  label();
}

theme();
refresh();
