// What stands in for the gateway where there is none, as in a unit test.

/** @param {string} level @param {string} message */
export function log(level, message) {
  console.error(`${level}: ${message}`);
}

export function progress() {}

export function cancelled() {
  return false;
}

export function config() {
  return 'null';
}

/** @type {typeof import('gateway:plugin/host@0.1.0').callTool} */
export function callTool(name) {
  throw { tag: 'failed', val: `${name} cannot be called outside of the gateway` };
}

/** @type {typeof import('gateway:plugin/host@0.1.0').elicit} */
export function elicit() {
  return nobody();
}

/** @type {typeof import('gateway:plugin/host@0.1.0').sample} */
export function sample() {
  return nobody();
}

/** @type {typeof import('gateway:plugin/host@0.1.0').listRoots} */
export function listRoots() {
  return nobody();
}

/** @returns {never} */
function nobody() {
  throw { tag: 'unsupported', val: 'there is nobody to ask outside of the gateway' };
}
