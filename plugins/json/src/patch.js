// JSON Patch (RFC 6902): made of two documents, and applied to one.

import { ToolError } from 'gateway-sdk';
import { child, isIndex, parse, step } from './pointer.js';

/** @typedef {import('./plugin.js').Operation} Operation */

/**
 * What makes `to` of `from`.
 *
 * @param {any} from
 * @param {any} to
 * @param {string} [place] where both are
 * @returns {Operation[]}
 */
export function difference(from, to, place = '') {
  if (Object.is(from, to)) return [];
  const kind = kindOf(from);
  if (kind !== kindOf(to) || kind === 'value') return [{ op: 'replace', path: place, value: to }];
  return kind === 'list' ? ofLists(from, to, place) : ofObjects(from, to, place);
}

/** @param {any} value */
function kindOf(value) {
  if (Array.isArray(value)) return 'list';
  return typeof value === 'object' && value !== null ? 'object' : 'value';
}

/** @param {any} from @param {any} to @param {string} place @returns {Operation[]} */
function ofObjects(from, to, place) {
  /** @type {Operation[]} */
  const operations = [];
  for (const key of Object.keys(from)) {
    if (!Object.hasOwn(to, key)) operations.push({ op: 'remove', path: step(place, key) });
  }
  for (const key of Object.keys(to)) {
    const path = step(place, key);
    if (Object.hasOwn(from, key)) operations.push(...difference(from[key], to[key], path));
    else operations.push({ op: 'add', path, value: to[key] });
  }
  return operations;
}

/**
 * What is alike at both ends stays; of what is between, as much as both have is compared one by one.
 *
 * @param {any[]} from
 * @param {any[]} to
 * @param {string} place
 * @returns {Operation[]}
 */
function ofLists(from, to, place) {
  const isSame = (/** @type {any} */ a, /** @type {any} */ b) => difference(a, b).length === 0;
  const shorter = Math.min(from.length, to.length);
  let start = 0;
  while (start < shorter && isSame(from[start], to[start])) start += 1;
  let end = 0;
  while (end < shorter - start && isSame(from[from.length - 1 - end], to[to.length - 1 - end])) end += 1;
  const [fromEnd, toEnd] = [from.length - end, to.length - end];
  const both = Math.min(fromEnd, toEnd);
  /** @type {Operation[]} */
  const operations = [];
  for (let index = start; index < both; index++) {
    operations.push(...difference(from[index], to[index], step(place, index)));
  }
  // From the back, so that the indexes of those before stay what they are.
  for (let index = fromEnd - 1; index >= both; index--) operations.push({ op: 'remove', path: step(place, index) });
  for (let index = both; index < toEnd; index++) {
    operations.push({ op: 'add', path: step(place, index), value: to[index] });
  }
  return operations;
}

/**
 * The document after an operation. It may be changed in place.
 *
 * @param {any} document
 * @param {Operation} operation
 * @param {number} index
 * @returns {any}
 */
export function apply(document, operation, index) {
  const { op, path, from, value } = operation;
  const fail = (/** @type {string} */ why) => new ToolError(`operations[${index}] (${op} ${path}): ${why}`);
  /** @param {string} pointer */
  const at = (pointer) => {
    const found = parse(pointer).reduce(child, document);
    if (found === undefined) throw fail(`there is nothing at ${pointer || 'the root'}`);
    return found;
  };
  const given = () => {
    if (value === undefined) throw fail('it has no value');
    return value;
  };
  const source = () => {
    if (from === undefined) throw fail('it has no from');
    return from;
  };
  switch (op) {
    case 'add':
      return insert(document, parse(path), given(), fail);
    case 'remove':
      return remove(document, parse(path), at, path, fail);
    case 'replace':
      at(path);
      return path === '' ? given() : insert(remove(document, parse(path), at, path, fail), parse(path), given(), fail);
    case 'copy':
      return insert(document, parse(path), JSON.parse(JSON.stringify(at(source()))), fail);
    case 'move': {
      if (path.startsWith(`${source()}/`)) throw fail('nothing can be moved into itself');
      const moved = at(source());
      const rest = path === source() ? document : remove(document, parse(source()), at, source(), fail);
      return path === source() ? document : insert(rest, parse(path), moved, fail);
    }
    default:
      if (difference(at(path), given()).length > 0) throw fail('another value is there');
      return document;
  }
}

/** @typedef {(why: string) => ToolError} Fail */

/** @param {any} document @param {string[]} keys @param {any} value @param {Fail} fail @returns {any} */
function insert(document, keys, value, fail) {
  const key = keys.at(-1);
  if (key === undefined) return value;
  const parent = keys.slice(0, -1).reduce(child, document);
  if (Array.isArray(parent)) {
    const place = key === '-' ? parent.length : isIndex(key) ? Number(key) : -1;
    if (place < 0 || place > parent.length) throw fail(`${key} is no place in a list of ${parent.length}`);
    parent.splice(place, 0, value);
  } else if (typeof parent === 'object' && parent !== null) {
    // Not by assignment, which `__proto__` would not survive.
    Object.defineProperty(parent, key, { value, writable: true, enumerable: true, configurable: true });
  } else {
    throw fail('there is no list and no object to put it into');
  }
  return document;
}

/**
 * @param {any} document
 * @param {string[]} keys
 * @param {(pointer: string) => any} at
 * @param {string} pointer
 * @param {Fail} fail
 */
function remove(document, keys, at, pointer, fail) {
  at(pointer);
  const key = keys.at(-1);
  if (key === undefined) throw fail('the whole document cannot be taken out');
  const parent = keys.slice(0, -1).reduce(child, document);
  if (Array.isArray(parent)) parent.splice(Number(key), 1);
  else delete parent[key];
  return document;
}
