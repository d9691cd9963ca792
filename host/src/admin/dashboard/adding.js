// The forms that add servers and plugins.

import { api, told } from "./api.js";
import { field, freshId, h, openDialog, say } from "./dom.js";
import { bytes } from "./format.js";

const NAME_HELP = "Lower-case letters, digits, - and _. Tools are called NAME__tool.";

/** `KEY=value` or `Key: value`, one to a line. */
function pairs(text, separator) {
  const lines = text.split("\n").map((line) => line.trim()).filter(Boolean);
  return Object.fromEntries(lines.map((line) => {
    const at = line.indexOf(separator);
    if (at < 1) throw new Error(`${JSON.stringify(line)} has to be a name, “${separator}” and a value`);
    return [line.slice(0, at).trim(), line.slice(at + 1).trim()];
  }));
}

function nameInput() {
  return h("input", { type: "text", name: "name", autocomplete: "off", autocapitalize: "none", spellcheck: "false", maxlength: "40", pattern: "[a-z0-9][a-z0-9_\\-]*", title: NAME_HELP, "data-first": true });
}

/** A form that sends what `body()` gives, and shows what the gateway has against it. */
function sending(page, { fields, submit, body, where, done }) {
  const mistake = h("p", { class: "error", role: "alert" });
  const button = h("button", { type: "submit", class: "primary" }, submit);
  const cancel = h("button", { type: "button", onclick: () => form.closest("dialog").close() }, "Cancel");
  const form = h("form", { class: "fields", autocomplete: "off" }, fields, mistake, h("div", { class: "actions" }, cancel, button));
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    mistake.textContent = "";
    button.disabled = true;
    try {
      done(await api("POST", where, body()), form);
      page.soon();
    } catch (error) {
      mistake.textContent = told(error);
    }
    button.disabled = false;
  });
  return form;
}

/** Asks for a server. */
export function addServer(page) {
  const name = nameInput();
  const kind = freshId("kind");
  const radio = (value, words, checked) => h("label", { class: "check" }, h("input", { type: "radio", name: kind, value, checked, onchange: () => turn() }), words);
  const command = h("input", { type: "text", class: "mono", spellcheck: "false", autocapitalize: "none" });
  const args = h("textarea", { rows: 3, spellcheck: "false" });
  const env = h("textarea", { rows: 2, spellcheck: "false" });
  const url = h("input", { type: "url", class: "mono", spellcheck: "false", placeholder: "https://mcp.example.com/mcp" });
  const transport = h("select", null, h("option", { value: "http" }, "Streamable HTTP"), h("option", { value: "sse" }, "SSE (older servers)"));
  const headers = h("textarea", { rows: 2, spellcheck: "false" });
  const description = h("input", { type: "text" });
  const enabled = h("input", { type: "checkbox", checked: true });
  const byCommand = h("div", { class: "fields" },
    field("Command", command, { help: "A program that allow_commands in gateway.yaml names.", needed: true }),
    field("Arguments", args, { help: "One to a line." }),
    field("Environment", env, { help: "NAME=value, one to a line." }));
  const byUrl = h("div", { class: "fields", hidden: true },
    field("URL", url, { help: "Private and loopback addresses have to be named in allow_urls.", needed: true }),
    field("Transport", transport),
    field("Headers", headers, { help: "Name: value, one to a line. They are never shown again." }));
  const isUrl = () => form.querySelector(`input[name="${kind}"]:checked`).value === "url";
  const turn = () => {
    byCommand.hidden = isUrl();
    byUrl.hidden = !isUrl();
    // What is not shown is not asked for.
    command.disabled = isUrl();
    url.disabled = !isUrl();
  };
  const body = () => {
    const both = { name: name.value.trim(), enabled: enabled.checked };
    if (description.value.trim() !== "") both.description = description.value.trim();
    if (isUrl()) return { ...both, url: url.value.trim(), transport: transport.value, headers: pairs(headers.value, ":") };
    return { ...both, command: command.value.trim(), args: args.value.split("\n").filter((line) => line.trim() !== ""), env: pairs(env.value, "=") };
  };
  const form = sending(page, {
    fields: [
      field("Name", name, { help: NAME_HELP, needed: true }),
      h("fieldset", null, h("legend", null, "How it is reached"), h("div", { class: "choice" }, radio("command", "A command that is run here", true), radio("url", "A URL"))),
      byCommand, byUrl,
      field("Description", description),
      h("label", { class: "check" }, enabled, "Use it at once"),
    ],
    submit: "Add server", where: "backends", body,
    done: ({ backend }, sent) => {
      const dialog = sent.closest("dialog");
      say(backend.error ? `${backend.name} was added, and does not answer: ${backend.error}` : `${backend.name} was added`);
      dialog.close();
    },
  });
  url.disabled = true;
  openDialog("Add a server", form);
}

/** Asks for a plugin: first where it is, then, knowing what it asks for, whether it is wanted. */
export function addPlugin(page) {
  const source = h("input", { type: "text", class: "mono", spellcheck: "false", autocapitalize: "none", "data-first": true });
  const next = h("div", { class: "fields" });
  const mistake = h("p", { class: "error", role: "alert" });
  const button = h("button", { type: "submit" }, "Look at it");
  const look = h("form", { class: "fields", autocomplete: "off" }, field("Source", source, { help: "A .wasm file, a built folder, https://… or oci://…, which allow_plugins in gateway.yaml names.", needed: true }), mistake, h("div", { class: "actions" }, button));
  look.addEventListener("submit", async (event) => {
    event.preventDefault();
    mistake.textContent = "";
    next.replaceChildren();
    button.disabled = true;
    try {
      const seen = await api("POST", "plugins/inspect", { source: source.value.trim() });
      next.replaceChildren(...inspected(page, source.value.trim(), seen));
      next.querySelector("h3").focus();
    } catch (error) {
      mistake.textContent = told(error);
    }
    button.disabled = false;
  });
  openDialog("Add a plugin", [look, next]);
}

function inspected(page, source, { name, description, digest, size, asked }) {
  const chosen = nameInput();
  chosen.value = name ?? "";
  const form = sending(page, {
    fields: [field("Name", chosen, { help: NAME_HELP, needed: true })],
    submit: "Add plugin", where: "plugins",
    // From the web, it has to be the one that was looked at; a file here may be built anew.
    body: () => ({ name: chosen.value.trim(), source, ...(/^(https|oci):/.test(source) ? { sha256: digest } : {}) }),
    done: ({ plugin }, sent) => {
      say(plugin.error ? `${plugin.name} was added, and cannot be loaded: ${plugin.error}` : `${plugin.name} was added`);
      sent.closest("dialog").close();
    },
  });
  return [
    h("h3", { tabindex: "-1" }, name ?? "A plugin"),
    description && h("p", null, description),
    h("p", { class: "small muted" }, `${bytes(size)} · sha256 `, h("code", null, digest)),
    grants(chosen, source, asked),
    form,
  ].filter(Boolean);
}

/** What it asks for. Granting is for whoever writes `gateway.yaml`: what is ticked becomes the lines to write there. */
function grants(name, source, asked) {
  const parts = asked ? [["net", "Web server"], ["files", "Folder"], ["env", "Environment variable"], ["tools", "Tool"], ["client", "Ask the client for"]] : [];
  const wishes = parts.flatMap(([key, words]) => asked[key].map((wish) => ({ key, words, wish })));
  if (wishes.length === 0) return h("p", { class: "notice" }, asked ? "It asks for no permissions: it only computes." : "It does not say what it needs. It is granted nothing.");
  const lines = h("pre", { hidden: true, tabindex: "0", "aria-label": "Lines for gateway.yaml" });
  const hint = h("p", { class: "small muted" }, "A plugin added here is granted nothing. Tick what it should get, and the lines for gateway.yaml are shown, where alone permissions are given.");
  const write = () => {
    const ticked = wishes.filter(({ box }) => box.checked);
    lines.hidden = ticked.length === 0;
    lines.textContent = yaml(name.value.trim() || "name", source, ticked);
  };
  const boxes = wishes.map((one) => {
    one.box = h("input", { type: "checkbox", onchange: write });
    const shown = one.key === "files" ? `${one.wish.mount} (${one.wish.path})${one.wish.write ? ", may write" : ", read only"}` : one.wish;
    return h("label", { class: "check" }, one.box, h("span", null, `${one.words} `, h("code", null, shown)));
  });
  name.addEventListener("input", write);
  return h("fieldset", null, h("legend", null, "It asks for"), h("div", { class: "granted" }, boxes, hint, lines));
}

/** JSON strings are YAML strings. */
function yaml(name, source, ticked) {
  const q = JSON.stringify;
  const of = (key) => ticked.filter((one) => one.key === key).map(({ wish }) => wish);
  const permissions = ["net", "tools", "client"].filter((key) => of(key).length > 0).map((key) => `      ${key}: [${of(key).map(q).join(", ")}]`);
  const files = of("files").map(({ path, mount, write }) => `{ path: ${q(path)}, mount: ${q(mount)}, write: ${write} }`);
  if (files.length > 0) permissions.push(`      files: [${files.join(", ")}]`);
  const env = of("env").map((key) => `${q(key)}: ${q(`\${${key}}`)}`);
  if (env.length > 0) permissions.push(`      env: { ${env.join(", ")} }`);
  return ["plugins:", `  ${q(name)}:`, `    source: ${q(source)}`, "    permissions:", ...permissions].join("\n");
}
