// The exports of the component: what the gateway calls, by what is declared.

import { text, toWit, toWitResult, toWitAnnotations, toWitBody, toWitLink, readable } from './content.js';
import { declared } from './declarations.js';
import { CallError, ToolError, message } from './errors.js';
import { log } from './host.js';
import { settle } from './promise.js';

/** @typedef {{name: string, value: string}[]} Arguments */

export const tool = {
  listTools() {
    return [...declared.tools.values()].map(({ name, options, input, output }) => {
      if (!input) throw new TypeError(`tool ${name}: nothing says what it takes; give it JSDoc or \`input\``);
      return {
        name,
        title: options.title ?? null,
        description: options.description ?? null,
        inputSchema: JSON.stringify(input),
        outputSchema: output ? JSON.stringify(output) : null,
        annotations: hints(options.annotations),
      };
    });
  },

  /** @param {string} name @param {string} args */
  callTool(name, args) {
    const entry = declared.tools.get(name);
    if (!entry) throw { tag: 'unknown-tool', val: name };
    try {
      return toWitResult(settle(entry.call(JSON.parse(args))));
    } catch (thrown) {
      return failed(thrown);
    }
  },
};

/** @param {unknown} thrown */
function failed(thrown) {
  if (thrown instanceof ToolError && thrown.code === 'invalid-arguments') throw { tag: thrown.code, val: thrown.message };
  if (isCancelled(thrown)) throw { tag: 'cancelled' };
  mistake(thrown);
  return { content: [toWit(text(message(thrown)))], structured: null, isError: true };
}

/** @param {unknown} thrown */
function isCancelled(thrown) {
  return (thrown instanceof ToolError || thrown instanceof CallError) && thrown.code === 'cancelled';
}

/**
 * What nobody threw on purpose: where it happened is for whoever wrote the plugin.
 *
 * @param {unknown} thrown
 */
function mistake(thrown) {
  if (thrown instanceof Error && !(thrown instanceof ToolError)) log.debug(`${thrown}\n${thrown.stack}`);
}

/** @param {any} annotations */
function hints(annotations) {
  if (!annotations) return null;
  const { readOnly = null, destructive = null, idempotent = null, openWorld = null } = annotations;
  return { readOnly, destructive, idempotent, openWorld };
}

export const resources = {
  listResources() {
    return [...declared.resources.values()].map(({ options }) => toWitLink(options));
  },

  listResourceTemplates() {
    return [...declared.templates.values()].map(({ options }) => ({
      uriTemplate: options.uriTemplate,
      name: options.name ?? options.uriTemplate,
      title: options.title ?? null,
      description: options.description ?? null,
      mimeType: options.mimeType ?? null,
      annotations: toWitAnnotations(options.annotations),
    }));
  },

  /** @param {string} uri */
  readResource(uri) {
    const { options, read } = reader(uri);
    const value = guarded(() => settle(read()));
    if (value === undefined || value === null) throw { tag: 'not-found' };
    const parts = Array.isArray(value) && value.every(isContents) ? value : [value];
    return parts.map((part) => {
      const contents = isContents(part) ? part : part instanceof Uint8Array ? { blob: part } : { text: readable(part) };
      const { text, blob, mimeType = options.mimeType ?? null } = contents;
      return { uri: contents.uri ?? uri, mimeType, body: toWitBody(text, blob) };
    });
  },
};

/** @param {string} uri */
function reader(uri) {
  const fixed = declared.resources.get(uri);
  if (fixed) return { options: fixed.options, read: () => fixed.read(uri) };
  for (const { options, match, read } of declared.templates.values()) {
    const variables = match(uri);
    if (variables) return { options, read: () => read(variables, uri) };
  }
  throw { tag: 'not-found' };
}

/** @param {any} value whether this says itself that it is text or bytes */
function isContents(value) {
  return typeof value?.text === 'string' || value?.blob instanceof Uint8Array;
}

export const prompts = {
  listPrompts() {
    return [...declared.prompts.values()].map(({ name, options, parameters }) => ({
      name,
      title: options.title ?? null,
      description: options.description ?? null,
      arguments: parameters.map(({ name, title = null, description = null, required }) => {
        return { name, title, description, required };
      }),
    }));
  },

  /** @param {string} name @param {Arguments} args */
  getPrompt(name, args) {
    const entry = declared.prompts.get(name);
    if (!entry) throw { tag: 'not-found' };
    const value = guarded(() => settle(entry.get(record(args))));
    const { messages, description } = Array.isArray(value?.messages) ? value : { messages: value };
    const all = Array.isArray(messages) ? messages : [messages];
    return { description: description ?? entry.options.description ?? null, messages: all.map(toMessage) };
  },
};

/** @param {any} message */
function toMessage(message) {
  const { role = 'user', content = message } = typeof message?.role === 'string' ? message : {};
  return { role, content: toWit(typeof content === 'string' ? text(content) : content) };
}

export const completions = {
  /** @param {string} name @param {{name: string, value: string}} argument @param {Arguments} context */
  completePrompt(name, argument, context) {
    return complete(declared.prompts.get(name), argument, context);
  },

  /** @param {string} uriTemplate @param {{name: string, value: string}} argument @param {Arguments} context */
  completeResource(uriTemplate, argument, context) {
    return complete(declared.templates.get(uriTemplate), argument, context);
  },
};

/**
 * @param {{options: any} | undefined} entry
 * @param {{name: string, value: string}} argument
 * @param {Arguments} context
 */
function complete(entry, { name, value }, context) {
  if (!entry) throw { tag: 'not-found' };
  const given = entry.options.complete?.[name];
  const found = typeof given === 'function' ? guarded(() => settle(given(value, record(context)))) : (given ?? []);
  if (!Array.isArray(found)) return { values: found.values, total: found.total ?? null, hasMore: found.hasMore ?? null };
  // A list is all that could be: those that begin with what was typed.
  const values = typeof given === 'function' ? found : found.filter((one) => one.startsWith(value));
  return { values, total: values.length, hasMore: false };
}

export const filter = {
  /** @param {{name: string, arguments: string, role?: string | null}} call */
  before(call) {
    const decision = settle(declared.filter?.before?.(readCall(call)));
    if (decision?.refuse !== undefined) return { tag: 'refuse', val: String(decision.refuse) };
    if (decision?.arguments) return { tag: 'rewrite', val: JSON.stringify(decision.arguments) };
    return { tag: 'proceed' };
  },

  /** @param {{name: string, arguments: string, role?: string | null}} call @param {string} result */
  after(call, result) {
    const verdict = settle(declared.filter?.after?.(readCall(call), JSON.parse(result)));
    if (verdict?.withhold !== undefined) return { tag: 'withhold', val: String(verdict.withhold) };
    if (verdict?.result) return { tag: 'replace', val: JSON.stringify(verdict.result) };
    return { tag: 'keep' };
  },
};

/** @param {{name: string, arguments: string, role?: string | null}} call */
function readCall({ name, arguments: args, role }) {
  return { name, arguments: JSON.parse(args), role: role ?? undefined };
}

/** @param {Arguments} args @returns {Record<string, string>} */
function record(args) {
  return Object.fromEntries(args.map(({ name, value }) => [name, value]));
}

/**
 * What reads resources and fills prompts fails in these ways.
 *
 * @param {() => any} work
 */
function guarded(work) {
  try {
    return work();
  } catch (thrown) {
    if (isCancelled(thrown)) throw { tag: 'cancelled' };
    mistake(thrown);
    const tag = thrown instanceof ToolError ? thrown.code : 'failed';
    throw { tag, val: message(thrown) };
  }
}
