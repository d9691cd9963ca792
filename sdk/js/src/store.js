// The plugin's key-value store. Values are JSON; what is there from elsewhere can be had as bytes.

import { open } from '#store';
import { StoreError, payload } from './errors.js';

const encoder = () => new TextEncoder();
const decoder = () => new TextDecoder();

export const store = {
  /** @param {string} key @returns {any} */
  get(key) {
    const bytes = this.getBytes(key);
    return bytes === undefined ? undefined : JSON.parse(decoder().decode(bytes));
  },

  /** @param {string} key @param {unknown} value */
  set(key, value) {
    this.setBytes(key, encoder().encode(JSON.stringify(value ?? null)));
  },

  /** @param {string} key @returns {Uint8Array | undefined} */
  getBytes(key) {
    const bytes = done(() => open().get(key));
    return bytes instanceof Uint8Array || Array.isArray(bytes) ? Uint8Array.from(bytes) : undefined;
  },

  /** @param {string} key @param {Uint8Array} bytes */
  setBytes(key, bytes) {
    done(() => open().set(key, bytes));
  },

  /** @param {string} key */
  delete(key) {
    done(() => open().delete(key));
  },

  /** @param {string} key @returns {boolean} */
  has(key) {
    return done(() => open().exists(key));
  },

  /** @returns {string[]} */
  keys() {
    /** @param {number | null} cursor @returns {string[]} */
    const from = (cursor) => {
      const part = done(() => open().listKeys(cursor));
      return typeof part.cursor === 'number' ? [...part.keys, ...from(part.cursor)] : part.keys;
    };
    return from(null);
  },

  /** @param {string} key @param {number} [delta] @returns {number} */
  increment(key, delta = 1) {
    return Number(done(() => open().increment(key, delta)));
  },
};

/**
 * @template T
 * @param {() => T} work
 * @returns {T}
 */
function done(work) {
  try {
    return work();
  } catch (thrown) {
    const { tag, val } = payload(thrown);
    const code = /** @type {import('./index.js').StoreErrorCode} */ (tag);
    const text = {
      'no-such-store': 'there is no such store',
      'access-denied': 'the plugin was not granted storage: see limits.storage',
    };
    throw new StoreError(code, text[/** @type {keyof typeof text} */ (tag)] ?? String(val));
  }
}
