// Promises that run when they are told to.
//
// The engine runs what is to be done later only once an export has returned, and by then the result has to be there. So
// inside of a plugin these take the place of the built-in promises, the build turns `async` into generators that make
// them, and `settle` runs them until the result is there. Nothing is lost by that: all that a plugin can wait for it
// waits for with a call that blocks.

/** @type {(() => void)[]} */
const jobs = [];
/** @type {{at: number, order: number, job: () => void}[]} */
const timers = [];
let order = 0;
let clock = 0;

/** Waits that many milliseconds; known inside of a plugin alone. @type {(milliseconds: number) => void} */
let wait = () => {};

/** @param {(milliseconds: number) => void} block */
export function waitWith(block) {
  wait = block;
}

/** @param {() => void} job */
export function queueMicrotask(job) {
  jobs.push(job);
}

/** @param {(...args: any[]) => void} job @param {number} [delay] in milliseconds @param {...any} args */
export function setTimeout(job, delay = 0, ...args) {
  order += 1;
  timers.push({ at: clock + Math.max(0, Number(delay) || 0), order, job: () => job(...args) });
  timers.sort((a, b) => a.at - b.at || a.order - b.order);
  return order;
}

/** @param {number} id */
export function clearTimeout(id) {
  const index = timers.findIndex(({ order }) => order === id);
  if (index >= 0) timers.splice(index, 1);
}

/**
 * The value of a promise, after all that has to happen before; anything else as it is.
 *
 * @param {any} value
 * @returns {any}
 */
export function settle(value) {
  if (typeof value?.then !== 'function') return value;
  /** @type {{value?: unknown, error?: {thrown: unknown}} | undefined} */
  let outcome;
  value.then(
    (/** @type {unknown} */ value) => (outcome = { value }),
    (/** @type {unknown} */ thrown) => (outcome = { error: { thrown } }),
  );
  while (!outcome && next());
  if (!outcome) throw new Error('the tool waits for a promise that nothing settles');
  if (outcome.error) throw outcome.error.thrown;
  return outcome.value;
}

/** Does what is to be done next; false where nothing is. */
function next() {
  const job = jobs.shift();
  if (job) {
    job();
    return true;
  }
  const timer = timers.shift();
  if (!timer) return false;
  wait(timer.at - clock);
  clock = timer.at;
  timer.job();
  return true;
}

/** @typedef {'pending' | 'fulfilled' | 'rejected'} State */

/** A promise as ECMAScript has it, with the queue above. */
export class Promise {
  /** @type {State} */ #state = 'pending';
  /** @type {any} */ #value;
  /** @type {(() => void)[]} */ #waiting = [];

  /** @param {(resolve: (value?: any) => void, reject: (reason?: any) => void) => void} run */
  constructor(run) {
    const { resolve, reject } = this.#settlers();
    try {
      run(resolve, reject);
    } catch (thrown) {
      reject(thrown);
    }
  }

  /** The two functions that settle it, of which the first call counts. */
  #settlers() {
    let isDone = false;
    /** @param {(value: any) => void} settle */
    const once = (settle) => (/** @type {any} */ value) => {
      if (isDone) return;
      isDone = true;
      settle(value);
    };
    return {
      resolve: once((value) => this.#resolve(value)),
      reject: once((reason) => this.#settle('rejected', reason)),
    };
  }

  /** @param {any} value */
  #resolve(value) {
    let then;
    try {
      if (value === this) throw new TypeError('a promise cannot wait for itself');
      then = (typeof value === 'object' && value !== null) || typeof value === 'function' ? value.then : undefined;
    } catch (thrown) {
      return this.#settle('rejected', thrown);
    }
    if (typeof then !== 'function') return this.#settle('fulfilled', value);
    jobs.push(() => {
      const { resolve, reject } = this.#settlers();
      try {
        then.call(value, resolve, reject);
      } catch (thrown) {
        reject(thrown);
      }
    });
  }

  /** @param {State} state @param {any} value */
  #settle(state, value) {
    this.#state = state;
    this.#value = value;
    jobs.push(...this.#waiting);
    this.#waiting = [];
  }

  /** @param {any} [onFulfilled] @param {any} [onRejected] @returns {Promise} */
  then(onFulfilled, onRejected) {
    return new Promise((resolve, reject) => {
      const job = () => {
        const isFulfilled = this.#state === 'fulfilled';
        const handler = isFulfilled ? onFulfilled : onRejected;
        if (typeof handler !== 'function') return isFulfilled ? resolve(this.#value) : reject(this.#value);
        try {
          resolve(handler(this.#value));
        } catch (thrown) {
          reject(thrown);
        }
      };
      if (this.#state === 'pending') this.#waiting.push(job);
      else jobs.push(job);
    });
  }

  /** @param {any} onRejected */
  catch(onRejected) {
    return this.then(undefined, onRejected);
  }

  /** @param {() => any} after */
  finally(after) {
    return this.then(
      (/** @type {any} */ value) => Promise.resolve(after()).then(() => value),
      (/** @type {any} */ reason) => Promise.resolve(after()).then(() => Promise.reject(reason)),
    );
  }

  get [Symbol.toStringTag]() {
    return 'Promise';
  }

  /** @param {any} [value] */
  static resolve(value) {
    return value instanceof Promise ? value : new Promise((resolve) => resolve(value));
  }

  /** @param {any} [reason] */
  static reject(reason) {
    return new Promise((_, reject) => reject(reason));
  }

  static withResolvers() {
    /** @type {any} */
    const parts = {};
    parts.promise = new Promise((resolve, reject) => Object.assign(parts, { resolve, reject }));
    return parts;
  }

  /** @param {(...args: any[]) => any} run @param {...any} args */
  static try(run, ...args) {
    return new Promise((resolve) => resolve(run(...args)));
  }

  /** @param {Iterable<any>} values */
  static allSettled(values) {
    return Promise.all(
      Array.from(values, (value) =>
        Promise.resolve(value).then(
          (/** @type {any} */ value) => ({ status: 'fulfilled', value }),
          (/** @type {any} */ reason) => ({ status: 'rejected', reason }),
        ),
      ),
    );
  }

  /** @param {Iterable<any>} values */
  static race(values) {
    return new Promise((resolve, reject) => {
      for (const value of values) Promise.resolve(value).then(resolve, reject);
    });
  }

  /** @param {Iterable<any>} values */
  static any(values) {
    /** @param {any} value @returns {Promise} the other way round, so that the first success ends the collection */
    const turned = (value) =>
      Promise.resolve(value).then(
        (/** @type {any} */ value) => Promise.reject({ value }),
        (/** @type {any} */ reason) => reason,
      );
    return Promise.all(Array.from(values, turned)).then(
      (/** @type {any[]} */ reasons) => Promise.reject(new AggregateError(reasons, 'all promises were rejected')),
      (/** @type {{value: any}} */ { value }) => value,
    );
  }

  /** @param {Iterable<any>} values @returns {Promise} */
  static all(values) {
    return new Promise((resolve, reject) => {
      /** @type {any[]} */
      const results = [];
      let missing = 1;
      const arrived = () => --missing === 0 && resolve(results);
      let index = 0;
      for (const value of values) {
        const place = index++;
        missing += 1;
        Promise.resolve(value).then((/** @type {any} */ value) => {
          results[place] = value;
          arrived();
        }, reject);
      }
      arrived();
    });
  }
}
