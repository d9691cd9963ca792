// What a plugin may ask of the gateway.

import * as host from '#host';
import { fromWit } from './content.js';
import { CallError, payload } from './errors.js';

/** @param {import('./index.js').LogLevel} level @param {unknown} message */
function write(level, message) {
  host.log(level, String(message));
}

export const log = Object.assign(write, {
  debug: (/** @type {unknown} */ message) => write('debug', message),
  info: (/** @type {unknown} */ message) => write('info', message),
  notice: (/** @type {unknown} */ message) => write('notice', message),
  warning: (/** @type {unknown} */ message) => write('warning', message),
  error: (/** @type {unknown} */ message) => write('error', message),
});

/** @param {number} progress @param {number} [total] @param {string} [message] */
export function progress(progress, total, message) {
  host.progress(progress, total ?? null, message ?? null);
}

/** @returns {boolean} */
export function cancelled() {
  return host.cancelled();
}

/** @returns {any} */
export function config() {
  return JSON.parse(host.config()) ?? {};
}

/** @param {string} name @param {object} [args] */
export function callTool(name, args = {}) {
  const { content, structured, isError } = asked(() => host.callTool(name, JSON.stringify(args)));
  const pieces = content.map(fromWit);
  const texts = pieces.filter(({ type }) => type === 'text').map((/** @type {any} */ piece) => piece.text);
  return {
    content: pieces,
    text: texts.join('\n'),
    structured: typeof structured === 'string' ? JSON.parse(structured) : undefined,
    isError,
  };
}

/** @param {string} message @param {object} schema @returns {any} */
export function elicit(message, schema) {
  const { tag, val } = asked(() => host.elicit(message, JSON.stringify(schema)));
  return tag === 'accept' ? { action: tag, content: JSON.parse(val) } : { action: tag };
}

/** @param {object} request @returns {any} */
export function sample(request) {
  return JSON.parse(asked(() => host.sample(JSON.stringify(request))));
}

export function listRoots() {
  return asked(() => host.listRoots()).map(({ uri, name }) => (typeof name === 'string' ? { uri, name } : { uri }));
}

/**
 * @template T
 * @param {() => T} ask
 * @returns {T}
 */
function asked(ask) {
  try {
    return ask();
  } catch (thrown) {
    const { tag, val } = payload(thrown);
    const code = /** @type {import('./index.js').CallErrorCode} */ (tag);
    const text = { 'unknown-tool': `unknown tool: ${val}`, cancelled: 'the call was cancelled' }[tag] ?? String(val);
    throw new CallError(code, text);
  }
}
