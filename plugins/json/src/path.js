// JSONPath (RFC 9535), without filters.

import { ToolError } from 'gateway-sdk';
import { child } from './pointer.js';

/**
 * What selects children: a name, an index, all of them, or a part of a list.
 *
 * @typedef {{name: string} | {index: number} | {all: true} | {slice: (number | undefined)[]}} Selector
 * @typedef {{isDeep: boolean, selectors: Selector[]}} Segment
 *
 * A value, and what it was found in; the root is in nothing.
 * @typedef {{value: any, key?: string | number, of?: Found}} Found
 */

const SHORTHAND = /\*|[\p{L}_][\p{L}\p{N}_]*/uy;
const ITEM = /'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|[^,\]'"]+/y;
const SPACE = /\s*/y;
const INDEX = /^-?(?:0|[1-9]\d*)$/;
const SLICE = /^(-?(?:0|[1-9]\d*))?\s*:\s*(-?(?:0|[1-9]\d*))?\s*(?::\s*(-?(?:0|[1-9]\d*))?)?$/;

/** @type {Selector} */
const ALL = { all: true };

/** @param {string} path @returns {Segment[]} */
export function parsePath(path) {
  const segments = [];
  let place = 1;
  while (place < path.length) {
    const isDeep = path.startsWith('..', place);
    const dots = isDeep ? 2 : Number(path[place] === '.');
    const name = dots > 0 ? taken(SHORTHAND, path, place + dots) : undefined;
    if (name !== undefined) {
      segments.push({ isDeep, selectors: [name === '*' ? ALL : { name }] });
      place += dots + name.length;
    } else {
      // Two dots may stand before brackets, and one dot may not.
      const { selectors, end } = brackets(path, dots === 1 && path[place + 1] === '[' ? place : place + dots);
      segments.push({ isDeep, selectors });
      place = end;
    }
  }
  return segments;
}

/** @param {string} path @param {number} start where `[` is @returns {{selectors: Selector[], end: number}} */
function brackets(path, start) {
  if (path[start] !== '[') throw wrong(path, path.slice(start));
  const selectors = [];
  let place = start + 1;
  for (;;) {
    const item = taken(ITEM, path, spaced(path, place));
    if (item === undefined) throw wrong(path, path.slice(place));
    selectors.push(selector(item.trim(), path));
    place = spaced(path, ITEM.lastIndex);
    if (path[place] === ']') return { selectors, end: place + 1 };
    if (path[place] !== ',') throw wrong(path, path.slice(place));
    place += 1;
  }
}

/** @param {RegExp} pattern a sticky one @param {string} text @param {number} place what it matches there */
function taken(pattern, text, place) {
  pattern.lastIndex = place;
  return pattern.exec(text)?.[0];
}

/** @param {string} text @param {number} place the next one that is no space */
function spaced(text, place) {
  SPACE.lastIndex = place;
  SPACE.test(text);
  return SPACE.lastIndex;
}

/** @param {string} text @param {string} path @returns {Selector} */
function selector(text, path) {
  if (text === '*') return ALL;
  if (text.startsWith('"')) return { name: unquoted(text, path) };
  if (text.startsWith("'")) return { name: unquoted(`"${text.slice(1, -1).replaceAll("\\'", "'").replace(/(?<!\\)"/g, '\\"')}"`, path) };
  if (INDEX.test(text)) return { index: Number(text) };
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
  let found = [{ value: root }];
  for (const { isDeep, selectors } of segments) {
    /** @type {Found[]} */
    const next = [];
    const starts = isDeep ? found.flatMap(within) : found;
    for (const one of starts) {
      for (const selector of selectors) choose(one, selector, next);
    }
    found = next;
  }
  return found;
}

/** @param {Found} found @returns {Found[]} itself and all that is in it */
function within(found) {
  return [found, ...children(found).flatMap(within)];
}

/** @param {Found} found the keys that lead to it @returns {(string | number)[]} */
export function keys(found) {
  /** @type {(string | number)[]} */
  const keys = [];
  for (let at = found; at.of !== undefined && at.key !== undefined; at = at.of) keys.unshift(at.key);
  return keys;
}

/** @param {Found} of @returns {Found[]} */
function children(of) {
  const { value } = of;
  if (typeof value !== 'object' || value === null) return [];
  if (Array.isArray(value)) return value.map((inner, key) => ({ value: inner, key, of }));
  return Object.keys(value).map((key) => ({ value: value[key], key, of }));
}

/** @param {Found} of @param {Selector} selector @param {Found[]} found gets what is chosen */
function choose(of, selector, found) {
  const { value } = of;
  if ('all' in selector) {
    for (const inner of children(of)) found.push(inner);
  } else if ('name' in selector) {
    const inner = Array.isArray(value) ? undefined : child(value, selector.name);
    if (inner !== undefined) found.push({ value: inner, key: selector.name, of });
  } else if (Array.isArray(value)) {
    const indexes = 'slice' in selector ? sliced(selector.slice, value.length) : [selector.index];
    for (const index of indexes) {
      const key = index < 0 ? index + value.length : index;
      if (key >= 0 && key < value.length) found.push({ value: value[key], key, of });
    }
  }
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
