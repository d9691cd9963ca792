// What goes wrong, in three kinds.

/** See index.d.ts. */
export class ToolError extends Error {
  /** @param {string} message @param {{code?: 'failed' | 'invalid-arguments' | 'cancelled'}} [options] */
  constructor(message, options = {}) {
    super(message);
    this.name = 'ToolError';
    this.code = options.code ?? 'failed';
  }
}

/** See index.d.ts. */
export class CallError extends Error {
  /** @param {import('./index.js').CallErrorCode} code @param {string} message */
  constructor(code, message) {
    super(message);
    this.name = 'CallError';
    this.code = code;
  }
}

/** See index.d.ts. */
export class StoreError extends Error {
  /** @param {import('./index.js').StoreErrorCode} code @param {string} message */
  constructor(code, message) {
    super(message);
    this.name = 'StoreError';
    this.code = code;
  }
}

/**
 * The payload of a `result` of WIT that a function of the host threw: it comes bare or as the `payload` of an error.
 * Anything else is a mistake of ours and passes on.
 *
 * @param {unknown} thrown
 * @returns {{tag: string, val?: any}}
 */
export function payload(thrown) {
  const value = /** @type {any} */ (thrown)?.payload ?? thrown;
  if (typeof value?.tag !== 'string') throw thrown;
  return value;
}

/**
 * What to tell a model of something thrown.
 *
 * @param {unknown} thrown
 * @returns {string}
 */
export function message(thrown) {
  if (thrown instanceof ToolError || thrown instanceof CallError || thrown instanceof StoreError) return thrown.message;
  // The name tells a TypeError from what somebody meant to say.
  return String(thrown);
}
