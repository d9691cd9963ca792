// A store that lasts as long as the process, for unit tests.

/** @type {Map<string, Uint8Array>} */
const values = new Map();

/** @returns {import('../inside/bucket.d.ts').Bucket} */
export function open() {
  return {
    get: (key) => values.get(key) ?? null,
    set: (key, value) => void values.set(key, value),
    delete: (key) => void values.delete(key),
    exists: (key) => values.has(key),
    listKeys: () => ({ keys: [...values.keys()], cursor: null }),
    increment(key, delta) {
      const old = values.get(key);
      const sum = Number(old ? new TextDecoder().decode(old) : 0) + delta;
      if (!Number.isSafeInteger(sum)) throw { tag: 'other', val: `${key} holds no number` };
      values.set(key, new TextEncoder().encode(String(sum)));
      return sum;
    },
  };
}
