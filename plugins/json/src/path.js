// JSONPath (RFC 9535), without filters.

import { ToolError } from 'gateway-sdk';
import { hasMember, write } from './pointer.js';

/**
 * What a step selects of a value: the member of that name, the element at that index (negative: from the end), every
 * child, a part of a list, or with `DEEP` the value and everything in it.
 *
 * @typedef {string | number | typeof ALL | typeof DEEP | Slice} Selector
 *
 * With several in its brackets, what each of them selects.
 * @typedef {Selector | Selector[]} Step
 */

const ALL = Symbol('*');
const DEEP = Symbol('..');
const SHORTHAND = /\*|[A-Za-z_\u0080-\uffff][A-Za-z0-9_\u0080-\uffff]*/y;
const ITEM = /'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|[^,\]'"]+/y;
const SPACE = /[ \t\r\n]*/y;
const INDEX = /^-?(?:0|[1-9]\d*)$/;
const SLICE = /^(-?(?:0|[1-9]\d*))?\s*:\s*(-?(?:0|[1-9]\d*))?\s*(?::\s*(-?(?:0|[1-9]\d*))?)?$/;

/** @param {string} path @returns {Step[]} */
function parse(path) {
  /** @type {Step[]} */
  const steps = [];
  let place = 1;
  while (place < path.length) {
    // The one that is written most, and needs no looking at.
    if (path.startsWith('[*]', place)) {
      steps.push(ALL);
      place += 3;
      continue;
    }
    const isDeep = path.startsWith('..', place);
    const behind = isDeep ? place + 2 : path[place] === '.' ? place + 1 : place;
    if (isDeep) steps.push(DEEP);
    const name = behind > place ? taken(SHORTHAND, path, behind) : undefined;
    if (name === undefined) {
      // Two dots may stand before brackets, and one dot may not.
      place = brackets(path, isDeep ? behind : place, steps);
    } else {
      steps.push(name === '*' ? ALL : name);
      place = behind + name.length;
    }
  }
  return steps;
}

/** @param {string} path @param {number} start where `[` is @param {Step[]} steps @returns {number} behind `]` */
function brackets(path, start, steps) {
  if (path[start] !== '[') throw wrong(path, path.slice(start));
  /** @type {Selector[] | undefined} */
  let several;
  let place = start + 1;
  for (;;) {
    const item = taken(ITEM, path, spaced(path, place));
    if (item === undefined) throw wrong(path, path.slice(place));
    const step = selector(item.trim(), path);
    place = spaced(path, ITEM.lastIndex);
    const end = path[place];
    if (end !== ']' && end !== ',') throw wrong(path, path.slice(place));
    if (end === ',' && several === undefined) several = [];
    several?.push(step);
    place += 1;
    if (end === ']') {
      steps.push(several ?? step);
      return place;
    }
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
  if (text === '*') return ALL;
  if (text.startsWith('"')) return unquoted(text, path);
  if (text.startsWith("'")) return unquoted(`"${text.slice(1, -1).replaceAll("\\'", "'").replace(/(?<!\\)"/g, '\\"')}"`, path);
  if (INDEX.test(text)) return Number(text);
  const slice = SLICE.exec(text);
  if (slice) return new Slice(slice.slice(1).map((part) => (part === undefined ? undefined : Number(part))));
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

/** Walks along a path through a document, and keeps what is at its end. */
export class Walk {
  /** @param {string} path @param {number} most how many matches to keep, of those that are counted */
  constructor(path, most) {
    this.steps = parse(path);
    this.most = most;
    this.count = 0;
    /** @type {{pointer: string, value: any}[]} */
    this.matches = [];
    /** @type {(string | number)[]} the keys from the root to where it is */
    this.keys = [];
  }

  /**
   * Goes on from a value; the first time, from the document.
   *
   * @param {any} value
   * @param {number} [at] the step that is next
   * @param {number} [depth] how many keys led here
   */
  from(value, at = 0, depth = 0) {
    if (at < this.steps.length) {
      this.take(this.steps[at], value, at, depth);
    } else {
      this.count += 1;
      if (this.count <= this.most) this.matches.push({ pointer: write(this.keys, depth), value });
    }
  }

  /** @param {Step} step the one at this place, or one that is part of it @param {any} value @param {number} at @param {number} depth */
  take(step, value, at, depth) {
    if (typeof step === 'string') {
      if (hasMember(value, step)) this.enter(value, step, at + 1, depth);
    } else if (step === ALL) {
      this.enterAll(value, at + 1, depth);
    } else if (step === DEEP) {
      this.from(value, at + 1, depth);
      this.enterAll(value, at, depth);
    } else if (Array.isArray(step)) {
      for (const one of step) this.take(one, value, at, depth);
    } else if (Array.isArray(value)) {
      const indexes = typeof step === 'number' ? [step < 0 ? step + value.length : step] : step.of(value.length);
      for (const index of indexes) if (index >= 0 && index < value.length) this.enter(value, index, at + 1, depth);
    }
  }

  /** @param {any} value @param {number} at @param {number} depth */
  enterAll(value, at, depth) {
    if (Array.isArray(value)) {
      for (let index = 0; index < value.length; index++) this.enter(value, index, at, depth);
    } else if (typeof value === 'object' && value !== null) {
      for (const key of Object.keys(value)) this.enter(value, key, at, depth);
    }
  }

  /** @param {any} value @param {string | number} key @param {number} at @param {number} depth */
  enter(value, key, at, depth) {
    this.keys[depth] = key;
    this.from(value[key], at, depth + 1);
  }
}

/** A part of a list: `[start:end:step]`. */
class Slice {
  /** @param {(number | undefined)[]} numbers */
  constructor([start, end, step = 1]) {
    this.start = start;
    this.end = end;
    this.step = step;
  }

  /** @param {number} length of a list @returns {number[]} the indexes that it selects, as RFC 9535 has it */
  of(length) {
    const { start, end, step } = this;
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
}
