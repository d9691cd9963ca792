// JSON Pointer (RFC 6901).

import { ToolError } from 'gateway-sdk';

/** @typedef {(string | number)[]} Keys names of members and indexes of elements, from the outside inwards */

/** @param {string} pointer @returns {string[]} */
export function parse(pointer) {
  if (pointer === '') return [];
  if (!pointer.startsWith('/')) throw new ToolError(`${pointer} is no JSON Pointer, which begins with / or is empty`);
  if (/~(?![01])/.test(pointer)) throw new ToolError(`${pointer} is no JSON Pointer: behind ~ stands 0 or 1`);
  return pointer.slice(1).split('/').map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
}

/** @param {string} pointer @param {string | number} key @returns {string} the pointer to what has this key there */
export function step(pointer, key) {
  return `${pointer}/${typeof key === 'number' ? key : key.replaceAll('~', '~0').replaceAll('/', '~1')}`;
}

/** @param {Keys} keys @param {number} depth how many of them @returns {string} the pointer that they are */
export function write(keys, depth) {
  let pointer = '';
  for (let index = 0; index < depth; index++) pointer = step(pointer, keys[index]);
  return pointer;
}

/** @param {any} value @param {Keys} keys @returns {any} `undefined` where nothing is there */
export function get(value, keys) {
  return keys.reduce((inner, key) => child(inner, key), value);
}

/** @param {any} value @param {string | number} key @returns {any} */
export function child(value, key) {
  if (Array.isArray(value)) return isIndex(key) ? value[Number(key)] : undefined;
  return hasMember(value, key) ? value[key] : undefined;
}

/** @param {any} value @param {string | number} name whether it is an object that has a member of this name */
export function hasMember(value, name) {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && Object.hasOwn(value, name);
}

/** @param {string | number} key without leading zeros, which no index has */
export function isIndex(key) {
  return /^(0|[1-9]\d*)$/.test(String(key));
}
