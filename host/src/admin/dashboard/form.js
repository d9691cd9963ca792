// A form out of a JSON schema. What a form cannot say is written as JSON, field by field or as a whole.

import { field, freshId, h } from "./dom.js";
import { pretty } from "./format.js";

/** How deep objects in objects become fields; further down they are JSON. */
const DEPTH = 3;

/** What is wrong in a field. */
class Mistake extends Error {}

/**
 * The form of a tool's arguments: `element`, and `read()`, which gives the arguments or throws with what is wrong. Fields
 * and JSON are two views of the same arguments.
 */
export function argumentsForm(schema) {
  const fields = objectFields(schema ?? {}, { root: schema ?? {}, depth: 0 });
  const json = h("textarea", { rows: 8, spellcheck: "false", id: freshId("json") });
  const written = h("div", { hidden: true }, field("Arguments as JSON", json));
  const asFields = h("div", { class: "fields" }, fields.elements);
  if (fields.elements.length === 0) asFields.append(h("p", { class: "muted" }, "This tool takes no arguments."));
  const toggle = h("button", { type: "button", class: "quiet", "aria-pressed": "false" }, "Write JSON");
  let isJson = false;
  const show = (wanted) => {
    isJson = wanted;
    written.hidden = !isJson;
    asFields.hidden = isJson;
    toggle.setAttribute("aria-pressed", String(isJson));
    if (isJson) json.value = pretty(fields.readWhatThereIs());
  };
  toggle.addEventListener("click", () => {
    if (isJson) {
      // What no field takes would be lost: then it stays JSON.
      const value = attempt(() => parsed(json.value));
      if (value === null || typeof value !== "object" || !fields.takes(value)) return;
      fields.write(value);
    }
    show(!isJson);
  });
  const object = (value) => {
    if (value === null || typeof value !== "object" || Array.isArray(value)) throw new Mistake("the arguments have to be a JSON object");
    return value;
  };
  return { element: h("div", { class: "fields" }, asFields, written, h("div", { class: "turn" }, toggle)), read: () => (isJson ? object(parsed(json.value)) : fields.read()) };
}

/** A schema without the wrapping that a form does not need: references, and "or null". */
function plain(schema, root, seen = 0) {
  if (schema === null || typeof schema !== "object") return {};
  if (typeof schema.$ref === "string" && seen < 8) {
    const target = schema.$ref.startsWith("#/") ? schema.$ref.slice(2).split("/").reduce((at, key) => at?.[key.replaceAll("~1", "/").replaceAll("~0", "~")], root) : undefined;
    if (target === undefined) return {};
    const { $ref, ...beside } = schema;
    return plain({ ...target, ...beside }, root, seen + 1);
  }
  const choices = (schema.anyOf ?? schema.oneOf)?.filter((choice) => choice?.type !== "null");
  if (choices?.length === 1 && seen < 8) {
    const { anyOf, oneOf, ...beside } = schema;
    return plain({ ...choices[0], ...beside }, root, seen + 1);
  }
  if (Array.isArray(schema.type)) {
    const types = schema.type.filter((type) => type !== "null");
    return { ...schema, type: types.length === 1 ? types[0] : undefined };
  }
  return schema;
}

function objectFields(schema, { root, depth }) {
  const { properties = {}, required = [] } = plain(schema, root);
  const members = Object.entries(properties).map(([name, member]) => {
    const needed = Array.isArray(required) && required.includes(name);
    return { name, needed, ...control(name, plain(member, root), { root, depth, needed }) };
  });
  const collect = (read) => {
    const value = {};
    for (const member of members) {
      const part = read(member);
      // Not by assignment: a member may be called `__proto__`.
      if (part !== undefined) Object.defineProperty(value, member.name, { value: part, enumerable: true, configurable: true, writable: true });
    }
    return value;
  };
  return {
    elements: members.map((member) => member.element),
    read: () => collect((member) => member.read()),
    readWhatThereIs: () => collect((member) => attempt(() => member.read())),
    takes: (value) => Object.keys(value).every((key) => members.some(({ name }) => name === key)),
    write: (value) => members.forEach((member) => member.write(Object.hasOwn(value, member.name) ? value[member.name] : undefined)),
  };
}

function attempt(read) {
  try {
    return read();
  } catch {
    return undefined;
  }
}

/** One member: its element, how to read it (`undefined`: not given), and how to write it. */
function control(name, schema, { root, depth, needed }) {
  const label = typeof schema.title === "string" && schema.title !== name ? `${schema.title} (${name})` : name;
  const help = typeof schema.description === "string" ? schema.description : undefined;
  if (Array.isArray(schema.enum) || "const" in schema) return choice(label, help, schema.enum ?? [schema.const], schema, needed);
  if (schema.type === "boolean") return choice(label, help, [true, false], schema, needed);
  if (schema.type === "string") return text(label, help, schema, needed);
  if (schema.type === "number" || schema.type === "integer") return number(label, help, schema, needed);
  if (schema.type === "object" && schema.properties && depth < DEPTH) return nested(label, help, schema, { root, depth, needed });
  if (schema.type === "array" && ["string", "number", "integer"].includes(plain(schema.items, root).type)) return list(label, help, plain(schema.items, root), schema, needed);
  return anything(label, help, schema, needed);
}

/** What a schema says of a field, and how it is written here. */
const beside = (help, how) => (help ? `${help} (${how})` : `Written ${how}.`);

function wrapped(element, label, help, needed, { read, write, initial }) {
  if (initial !== undefined) write(initial);
  const checked = () => {
    const value = read();
    if (value === undefined && needed) throw new Mistake("a value is needed");
    return value;
  };
  return { element: field(label, element, { help, needed }), read: () => located(label, checked), write };
}

/** Names the field in what is wrong with it. */
function located(label, read) {
  try {
    return read();
  } catch (error) {
    throw error instanceof Mistake ? new Mistake(`${label}: ${error.message}`) : error;
  }
}

function choice(label, help, values, schema, needed) {
  const select = h("select", null);
  const initial = schema.default ?? (needed && values.length === 1 ? values[0] : undefined);
  select.append(h("option", { value: "" }, needed ? "Choose…" : "Not given"));
  values.forEach((value, index) => select.append(h("option", { value: String(index + 1) }, typeof value === "string" ? value : JSON.stringify(value))));
  const write = (value) => {
    select.value = String(values.findIndex((one) => JSON.stringify(one) === JSON.stringify(value)) + 1 || "");
  };
  return wrapped(select, label, help, needed, { read: () => (select.value === "" ? undefined : values[Number(select.value) - 1]), write, initial });
}

function text(label, help, schema, needed) {
  const long = (schema.maxLength ?? 0) > 200 || schema.format === "textarea" || /content|body|code|query|sql|text|message/i.test(label);
  const input = long ? h("textarea", { rows: 3 }) : h("input", { type: "text", autocomplete: "off", spellcheck: "false" });
  const write = (value) => {
    input.value = typeof value === "string" ? value : "";
  };
  // An empty text is one only in JSON.
  return wrapped(input, label, help, needed, { read: () => (input.value === "" ? undefined : input.value), write, initial: schema.default });
}

function number(label, help, schema, needed) {
  const input = h("input", { type: "text", inputmode: schema.type === "integer" ? "numeric" : "decimal", autocomplete: "off" });
  const read = () => (input.value.trim() === "" ? undefined : toNumber(input.value, schema.type));
  const write = (value) => {
    input.value = value === undefined || value === null ? "" : String(value);
  };
  return wrapped(input, label, help, needed, { read, write, initial: schema.default });
}

function toNumber(written, type) {
  const value = Number(written.trim());
  if (!Number.isFinite(value)) throw new Mistake(`${JSON.stringify(written.trim())} is not a number`);
  if (type === "integer" && !Number.isInteger(value)) throw new Mistake(`${written.trim()} is not a whole number`);
  return value;
}

function list(label, help, items, schema, needed) {
  const input = h("textarea", { rows: 3, spellcheck: "false" });
  const read = () => {
    const lines = input.value.split("\n").filter((line) => line.trim() !== "");
    if (lines.length === 0) return needed ? [] : undefined;
    return items.type === "string" ? lines : lines.map((line) => toNumber(line, items.type));
  };
  const write = (value) => {
    input.value = Array.isArray(value) ? value.join("\n") : "";
  };
  return wrapped(input, label, beside(help, "one to a line"), needed, { read, write, initial: schema.default });
}

function nested(label, help, schema, { root, depth, needed }) {
  const inner = objectFields(schema, { root, depth: depth + 1 });
  const element = h("fieldset", null, h("legend", null, label), h("div", { class: "fields" }, help && h("p", { class: "muted small" }, help), inner.elements));
  const read = () => {
    // Of an object that may be left out, nothing is asked as long as nothing is written into it.
    if (!needed && Object.keys(inner.readWhatThereIs()).length === 0) return undefined;
    return inner.read();
  };
  return { element, read: () => located(label, read), write: (value) => inner.write(value ?? {}) };
}

function anything(label, help, schema, needed) {
  const input = h("textarea", { rows: 3, spellcheck: "false" });
  const write = (value) => {
    input.value = value === undefined ? "" : pretty(value);
  };
  const read = () => (input.value.trim() === "" ? undefined : parsed(input.value));
  return wrapped(input, label, beside(help, "as JSON"), needed, { read, write, initial: schema.default });
}

function parsed(written) {
  try {
    return JSON.parse(written);
  } catch (error) {
    throw new Mistake(`this is not JSON: ${error.message}`);
  }
}
