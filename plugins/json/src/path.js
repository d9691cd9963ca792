// JSONPath (RFC 9535), without filters.

import { ToolError } from 'gateway-sdk';
import { child, step } from './pointer.js';

/**
 * A value, and what it was found in; the root is in nothing.
 *
 * @typedef {{value: any, key?: string | number, of?: Found}} Found
 *
 * What it selects of the children of a value.
 * @typedef {(of: Found) => Found[]} Selector
 * @typedef {{isDeep: boolean, selectors: Selector[]}} Segment
 */

const SHORTHAND = /\*|[\p{L}_][\p{L}\p{N}_]*/uy;
const ITEM = /'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|[^,\]'"]+/y;
const SPACE = /[ \t\r\n]*/y;
const INDEX = /^-?(?:0|[1-9]\d*)$/;
const SLICE = /^(-?(?:0|[1-9]\d*))?\s*:\s*(-?(?:0|[1-9]\d*))?\s*(?::\s*(-?(?:0|[1-9]\d*))?)?$/;

/** @param {string} path @returns {Segment[]} */
export function parsePath(path) {
  const segments = [];
  let place = 1;
  while (place < path.length) {
    const isDeep = path.startsWith('..', place);
    const dots = isDeep ? 2 : Number(path[place] === '.');
    const name = dots > 0 ? taken(SHORTHAND, path, place + dots) : undefined;
    if (name !== undefined) {
      segments.push({ isDeep, selectors: [name === '*' ? children : named(name)] });
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
  if (text.charCodeAt(place) > 0x20) return place;
  SPACE.lastIndex = place;
  SPACE.test(text);
  return SPACE.lastIndex;
}

/** @param {string} text @param {string} path @returns {Selector} */
function selector(text, path) {
  if (text === '*') return children;
  if (text.startsWith('"')) return named(unquoted(text, path));
  if (text.startsWith("'")) return named(unquoted(`"${text.slice(1, -1).replaceAll("\\'", "'").replace(/(?<!\\)"/g, '\\"')}"`, path));
  if (INDEX.test(text)) return indexed(Number(text));
  const slice = SLICE.exec(text);
  if (slice) return sliced(slice.slice(1).map((part) => (part === undefined ? undefined : Number(part))));
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
  const found = [];
  follow({ value: root }, segments, 0, found);
  return found;
}

/** @param {Found} one @param {Segment[]} segments @param {number} from the first that is left @param {Found[]} found */
function follow(one, segments, from, found) {
  if (from === segments.length) {
    found.push(one);
    return;
  }
  const { isDeep, selectors } = segments[from];
  for (const selector of selectors) {
    for (const inner of selector(one)) follow(inner, segments, from + 1, found);
  }
  if (isDeep) for (const inner of children(one)) follow(inner, segments, from, found);
}

/** @param {Found} found @returns {string} the JSON Pointer to it */
export function pointer({ key, of }) {
  return of === undefined || key === undefined ? '' : step(pointer(of), key);
}

/** @type {Selector} */
function children(of) {
  const { value } = of;
  if (typeof value !== 'object' || value === null) return [];
  /** @type {Found[]} */
  const found = [];
  if (Array.isArray(value)) {
    for (let key = 0; key < value.length; key++) found.push({ value: value[key], key, of });
  } else {
    for (const key of Object.keys(value)) found.push({ value: value[key], key, of });
  }
  return found;
}

/** @param {string} key @returns {Selector} */
function named(key) {
  return (of) => {
    const value = Array.isArray(of.value) ? undefined : child(of.value, key);
    return value === undefined ? [] : [{ value, key, of }];
  };
}

/** @param {number} index negative: from the end @returns {Selector} */
function indexed(index) {
  return (of) => (Array.isArray(of.value) ? elements(of, [index < 0 ? index + of.value.length : index]) : []);
}

/** @param {(number | undefined)[]} slice @returns {Selector} */
function sliced(slice) {
  return (of) => (Array.isArray(of.value) ? elements(of, indexes(slice, of.value.length)) : []);
}

/** @param {Found} of a list @param {number[]} indexes @returns {Found[]} */
function elements(of, indexes) {
  return indexes.filter((key) => key >= 0 && key < of.value.length).map((key) => ({ value: of.value[key], key, of }));
}

/** @param {(number | undefined)[]} slice @param {number} length the indexes of a slice, as RFC 9535 has it */
function indexes([start, end, step = 1], length) {
  if (step === 0) return [];
  const absolute = (/** @type {number} */ index) => (index < 0 ? index + length : index);
  const clamp = (/** @type {number} */ index, /** @type {number} */ low, /** @type {number} */ high) =>
    Math.min(Math.max(absolute(index), low), high);
  const found = [];
  if (step > 0) {
    const last = clamp(end ?? length, 0, length);
    for (let index = clamp(start ?? 0, 0, length); index < last; index += step) found.push(index);
  } else {
    const last = end === undefined ? -1 : clamp(end, -1, length - 1);
    const first = clamp(start ?? length - 1, -1, length - 1);
    for (let index = first; index > last; index += step) found.push(index);
  }
  return found;
}
