// JSONPath (RFC 9535), without filters.

import { ToolError } from 'gateway-sdk';
import { child } from './pointer.js';

/**
 * What selects children: a name, an index, all of them, or a part of a list.
 *
 * @typedef {{name: string} | {index: number} | {all: true} | {slice: (number | undefined)[]}} Selector
 * @typedef {{isDeep: boolean, selectors: Selector[]}} Segment
 * @typedef {{keys: (string | number)[], value: any}} Found
 */

const SHORTHAND = /^(?:\*|[\p{L}_][\p{L}\p{N}_]*)/u;
const INTEGER = '-?(?:0|[1-9]\\d*)';
const SLICE = new RegExp(`^(${INTEGER})?\\s*:\\s*(${INTEGER})?\\s*(?::\\s*(${INTEGER})?)?$`);

/** @param {string} path @returns {Segment[]} */
export function parsePath(path) {
  const segments = [];
  let rest = path.slice(1);
  while (rest !== '') {
    const isDeep = rest.startsWith('..');
    const inner = rest.replace(isDeep ? '..' : /^\.(?!\[)/, '');
    const shorthand = isDeep || rest.startsWith('.') ? SHORTHAND.exec(inner)?.[0] : undefined;
    if (shorthand !== undefined) {
      segments.push({ isDeep, selectors: [shorthand === '*' ? all() : { name: shorthand }] });
      rest = inner.slice(shorthand.length);
    } else {
      const { selectors, length } = brackets(inner, path);
      segments.push({ isDeep, selectors });
      rest = inner.slice(length);
    }
  }
  return segments;
}

/** @returns {Selector} */
function all() {
  return { all: true };
}

/** @param {string} text what begins with `[` @param {string} path @returns {{selectors: Selector[], length: number}} */
function brackets(text, path) {
  const item = /'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|[^,\]'"]+/y;
  const selectors = [];
  let place = 1;
  if (!text.startsWith('[')) throw wrong(path, text);
  for (;;) {
    item.lastIndex = place + (/^\s*/.exec(text.slice(place))?.[0].length ?? 0);
    const found = item.exec(text)?.[0].trim();
    if (found === undefined) throw wrong(path, text.slice(place));
    selectors.push(selector(found, path));
    place = item.lastIndex + (/^\s*/.exec(text.slice(item.lastIndex))?.[0].length ?? 0);
    if (text[place] === ']') return { selectors, length: place + 1 };
    if (text[place] !== ',') throw wrong(path, text.slice(place));
    place += 1;
  }
}

/** @param {string} text @param {string} path @returns {Selector} */
function selector(text, path) {
  if (text === '*') return all();
  if (text.startsWith('"')) return { name: unquoted(text, path) };
  if (text.startsWith("'")) return { name: unquoted(`"${text.slice(1, -1).replaceAll("\\'", "'").replace(/(?<!\\)"/g, '\\"')}"`, path) };
  if (new RegExp(`^${INTEGER}$`).test(text)) return { index: Number(text) };
  const slice = SLICE.exec(text);
  if (slice) return { slice: slice.slice(1).map((part) => (part === undefined ? undefined : Number(part))) };
  if (text.startsWith('?')) throw new ToolError(`${path}: filters (?) are not understood; select all, and look at them`);
  throw wrong(path, text);
}

/** @param {string} text @param {string} path @returns {string} */
function unquoted(text, path) {
  try {
    return JSON.parse(text);
  } catch {
    throw wrong(path, text);
  }
}

/** @param {string} path @param {string} rest */
function wrong(path, rest) {
  return new ToolError(`${path} is no JSONPath: ${rest || 'its end'} is not understood`);
}

/** @param {any} root @param {Segment[]} segments @returns {Found[]} */
export function select(root, segments) {
  /** @type {Found[]} */
  let found = [{ keys: [], value: root }];
  for (const { isDeep, selectors } of segments) {
    const starts = isDeep ? found.flatMap((one) => [...within(one)]) : found;
    found = starts.flatMap((one) => selectors.flatMap((selector) => chosen(one, selector)));
  }
  return found;
}

/** @param {Found} found @returns {Generator<Found>} itself and all that is in it */
function* within(found) {
  yield found;
  for (const inner of children(found)) yield* within(inner);
}

/** @param {Found} found @returns {Found[]} */
function children({ keys, value }) {
  if (typeof value !== 'object' || value === null) return [];
  const own = Array.isArray(value) ? value.map((_, index) => index) : Object.keys(value);
  return own.map((key) => ({ keys: [...keys, key], value: value[key] }));
}

/** @param {Found} found @param {Selector} selector @returns {Found[]} */
function chosen(found, selector) {
  const { keys, value } = found;
  if ('all' in selector) return children(found);
  if ('name' in selector) {
    if (Array.isArray(value)) return [];
    const inner = child(value, selector.name);
    return inner === undefined ? [] : [{ keys: [...keys, selector.name], value: inner }];
  }
  if (!Array.isArray(value)) return [];
  const indexes = 'slice' in selector ? sliced(selector.slice, value.length) : [selector.index];
  return indexes
    .map((index) => (index < 0 ? index + value.length : index))
    .filter((index) => index >= 0 && index < value.length)
    .map((index) => ({ keys: [...keys, index], value: value[index] }));
}

/** @param {(number | undefined)[]} slice @param {number} length the indexes of a slice, as RFC 9535 has it */
function sliced([start, end, step = 1], length) {
  if (step === 0) return [];
  const absolute = (/** @type {number} */ index) => (index < 0 ? index + length : index);
  const clamp = (/** @type {number} */ index, /** @type {number} */ low, /** @type {number} */ high) =>
    Math.min(Math.max(absolute(index), low), high);
  const indexes = [];
  if (step > 0) {
    const last = clamp(end ?? length, 0, length);
    for (let index = clamp(start ?? 0, 0, length); index < last; index += step) indexes.push(index);
  } else {
    const last = end === undefined ? -1 : clamp(end, -1, length - 1);
    const first = clamp(start ?? length - 1, -1, length - 1);
    for (let index = first; index > last; index += step) indexes.push(index);
  }
  return indexes;
}
