// What JavaScript has everywhere and the engine has not, or has in a way that does not fit: the first thing in a plugin.

import './builtins.js';
import { subscribeDuration } from 'wasi:clocks/monotonic-clock@0.2.12';
import { getRandomBytes } from 'wasi:random/random@0.2.12';
import { readable } from './content.js';
import { log } from './host.js';
import { Promise, clearTimeout, queueMicrotask, setTimeout, waitWith } from './promise.js';
import { TextDecoder, TextEncoder } from './encoding.js';

const MILLISECOND = 1_000_000;

waitWith((milliseconds) => subscribeDuration(Math.round(milliseconds * MILLISECOND)).block());

/** @param {unknown[]} values */
const line = (values) => values.map((value) => (value instanceof Error ? `${value}\n${value.stack}` : readable(value))).join(' ');

const console = {
  debug: (/** @type {unknown[]} */ ...values) => log.debug(line(values)),
  log: (/** @type {unknown[]} */ ...values) => log.info(line(values)),
  info: (/** @type {unknown[]} */ ...values) => log.info(line(values)),
  warn: (/** @type {unknown[]} */ ...values) => log.warning(line(values)),
  error: (/** @type {unknown[]} */ ...values) => log.error(line(values)),
};

const crypto = {
  /** @template {ArrayBufferView} T @param {T} array @returns {T} */
  getRandomValues(array) {
    const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
    bytes.set(getRandomBytes(bytes.length));
    return array;
  },

  randomUUID() {
    const bytes = this.getRandomValues(new Uint8Array(16));
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    const digits = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
    return digits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
  },
};

// The state of the built-in one is a part of the component, so that every call would get the same numbers.
/** @type {number[]} */
let pool = [];
Math.random = () => {
  if (pool.length === 0) {
    const words = crypto.getRandomValues(new Uint32Array(64));
    for (let index = 0; index < words.length; index += 2) {
      pool.push((words[index] * 2 ** 21 + (words[index + 1] >>> 11)) * 2 ** -53);
    }
  }
  return /** @type {number} */ (pool.pop());
};

Object.assign(globalThis, {
  Promise,
  queueMicrotask,
  setTimeout,
  clearTimeout,
  console,
  crypto,
  TextEncoder,
  TextDecoder,
});
