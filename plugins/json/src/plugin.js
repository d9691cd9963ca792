// The tools. A document is taken as it is or as a text: models have the one or the other at hand.

import { ToolError, tool } from 'gateway-sdk';
import { difference, apply } from './patch.js';
import { Walk } from './path.js';
import { get, parse } from './pointer.js';

/**
 * A value and where it is.
 *
 * @typedef {object} Match
 * @property {string} pointer where it is (RFC 6901)
 * @property {any} value what is there
 */

/**
 * One step of a JSON Patch (RFC 6902).
 *
 * @typedef {object} Operation
 * @property {'add' | 'remove' | 'replace' | 'move' | 'copy' | 'test'} op what to do
 * @property {string} path where, as a JSON Pointer
 * @property {string} [from] where to move or copy from
 * @property {any} [value] what to add, to put in the place, or to find there
 */

/**
 * Find values in a JSON document, by JSONPath such as `$.users[*].name`, `$..price` or `$.rows[-3:]`, or by JSON Pointer
 * such as `/users/0/name`.
 *
 * @param {any} document the document, or a text that holds it
 * @param {string} path a JSONPath, which begins with `$`, or a JSON Pointer, which begins with `/` or is empty
 * @param {import('gateway-sdk').Integer} most how many matches to give
 * @returns {{count: import('gateway-sdk').Integer, matches: Match[]}}
 */
export function query(document, path, most = 100) {
  const root = read(document, 'document');
  if (path.startsWith('$')) {
    const walk = new Walk(path, most);
    walk.from(root);
    return { count: walk.count, matches: walk.matches };
  }
  if (path !== '' && !path.startsWith('/')) {
    throw new ToolError('a path begins with $ (JSONPath) or with / (JSON Pointer)');
  }
  const value = get(root, parse(path));
  return value === undefined ? { count: 0, matches: [] } : { count: 1, matches: [{ pointer: path, value }] };
}

/**
 * Compare two JSON documents: gives a JSON Patch (RFC 6902) that makes the second of the first.
 *
 * @param {any} from the first document, or a text that holds it
 * @param {any} to the second document, or a text that holds it
 * @returns {{equal: boolean, operations: Operation[]}}
 */
export function diff(from, to) {
  const operations = difference(read(from, 'from'), read(to, 'to'));
  return { equal: operations.length === 0, operations };
}

/**
 * Change a JSON document by a JSON Patch (RFC 6902): all of its operations, or none.
 *
 * @param {any} document the document, or a text that holds it
 * @param {Operation[]} operations what to change, in order
 * @returns {{document: any}}
 */
export function patch(document, operations) {
  return { document: operations.reduce(apply, structured(read(document, 'document'))) };
}

/**
 * Change a JSON document by a JSON Merge Patch (RFC 7396): members of the patch take the place of those of the document,
 * and null takes one out.
 *
 * @param {any} document the document, or a text that holds it
 * @param {any} patch what to change, or a text that holds it
 * @returns {{document: any}}
 */
export function merge(document, patch) {
  return { document: merged(read(document, 'document'), read(patch, 'patch')) };
}

/** @param {any} target @param {any} patch @returns {any} */
function merged(target, patch) {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) return patch;
  const isObject = typeof target === 'object' && target !== null && !Array.isArray(target);
  const members = new Map(isObject ? Object.entries(target) : []);
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) members.delete(key);
    else members.set(key, merged(members.get(key), value));
  }
  return Object.fromEntries(members);
}

/**
 * A text is a document's text; one that is no JSON is meant as it is.
 *
 * @param {any} value
 * @param {string} name
 */
function read(value, name) {
  if (typeof value !== 'string') return value;
  try {
    return JSON.parse(value);
  } catch (error) {
    // What begins like a document was meant as one.
    if (/^\s*[[{"]/.test(value)) throw new ToolError(`${name} is no JSON: ${/** @type {Error} */ (error).message}`);
    return value;
  }
}

/** @param {any} value a copy that can be changed */
function structured(value) {
  return value === undefined ? value : JSON.parse(JSON.stringify(value));
}

const annotations = { readOnly: true, idempotent: true, openWorld: false };
tool({ title: 'Query JSON', annotations, parameters: { most: { minimum: 1, maximum: 10_000 } } }, query);
tool({ title: 'Compare JSON', annotations }, diff);
tool({ title: 'Patch JSON', annotations }, patch);
tool({ title: 'Merge JSON', annotations }, merge);
