// The engine makes a built-in object when it is first asked for. All are asked for here, while the snapshot is taken: each
// call begins with that snapshot, and would make those that it uses again.

/** More than there are. A list that grew would leave holes in memory, which later calls would have to look through. */
const ROOM = 1000;

/** @type {unknown[]} */
const seen = new Array(ROOM).fill(null);
let count = 0;

/** @param {unknown} value */
function touch(value) {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null || seen.includes(value)) return;
  seen[count++] = value;
  for (const key of Reflect.ownKeys(value)) {
    const { value: held, get, set } = /** @type {PropertyDescriptor} */ (Object.getOwnPropertyDescriptor(value, key));
    touch(held);
    touch(get);
    touch(set);
  }
  touch(Object.getPrototypeOf(value));
}

touch(globalThis);
// What no name leads to.
touch([].values());
touch(new Map().entries());
touch(new Set().values());
touch(''[Symbol.iterator]());
touch(''.matchAll(/x/g));
touch((function* () {})());
seen.length = 0;
