// What a plugin declares, and the way of a declaration to what the gateway is told of it.

import { objectSchema, ofProperties } from './schema.js';
import { matcher } from './template.js';

/**
 * What the build read of a function: its names, types and comments.
 *
 * @typedef {object} Derived
 * @property {string} [name]
 * @property {string} [description]
 * @property {{name: string, schema: Record<string, any>, isRequired: boolean}[]} [parameters] one for each, in order
 * @property {Record<string, any>} [input] where the function takes them as one object
 * @property {Record<string, any>} [output]
 */

/**
 * @typedef {object} Tool
 * @property {string} name
 * @property {any} options
 * @property {Record<string, any> | null} input null where nothing says what it takes
 * @property {Record<string, any> | undefined} output
 * @property {(args: Record<string, any>) => any} call
 */

/**
 * @typedef {object} Prompt
 * @property {string} name
 * @property {any} options
 * @property {{name: string, title?: string, description?: string, required: boolean}[]} parameters
 * @property {(args: Record<string, string>) => any} get
 */

/** All that is declared. */
export const declared = {
  /** @type {Map<string, Tool>} */
  tools: new Map(),
  /** @type {Map<string, {options: any, read: (uri: string) => any}>} */
  resources: new Map(),
  /** @type {Map<string, {options: any, match: ReturnType<typeof matcher>, read: (variables: any, uri: string) => any}>} */
  templates: new Map(),
  /** @type {Map<string, Prompt>} */
  prompts: new Map(),
  /** @type {import('./index.js').Filter | null} */
  filter: null,
};

/** The interfaces of the world that the plugin has something for. */
export function interfaces() {
  const { tools, resources, templates, prompts, filter } = declared;
  const completes = [...prompts.values(), ...templates.values()].some(({ options }) => options.complete);
  return [
    tools.size > 0 && 'tool',
    resources.size + templates.size > 0 && 'resources',
    prompts.size > 0 && 'prompts',
    completes && 'completions',
    filter && 'filter',
  ].filter((name) => typeof name === 'string');
}

/**
 * `tool(run)` or `tool(options, run)`; the build adds what it read of `run`.
 *
 * @param {...any} given
 * @returns {any}
 */
export function tool(...given) {
  const { options, run, derived } = parts('tool', given);
  const name = nameOf('tool', options, run, derived);
  const { parameters } = derived;
  /** @type {Tool} */
  const entry = { name, options: { ...options }, input: null, output: undefined, call: run };
  entry.options.description ??= derived.description;
  const output = options.output ?? derived.output;
  entry.output = output && objectSchema(output);
  if (options.input) {
    entry.input = objectSchema(options.input);
  } else if (parameters) {
    const properties = parameters.map(({ name, schema }) => [name, { ...schema, ...options.parameters?.[name] }]);
    const required = parameters.filter(({ isRequired }) => isRequired).map(({ name }) => name);
    entry.input = ofProperties(Object.fromEntries(properties), required);
    entry.call = inOrder(run, parameters);
  } else if (derived.input) {
    entry.input = derived.input;
  }
  add(declared.tools, 'tools', name, entry);
  return run;
}

/**
 * `prompt(get)` or `prompt(options, get)`.
 *
 * @param {...any} given
 * @returns {any}
 */
export function prompt(...given) {
  const { options, run, derived } = parts('prompt', given);
  const name = nameOf('prompt', options, run, derived);
  const merged = { ...options, description: options.description ?? derived.description };
  /** @type {Prompt} */
  const entry = { name, options: merged, parameters: [], get: run };
  if (options.arguments) {
    entry.parameters = Object.entries(options.arguments).map(([key, value]) => argument(key, value));
  } else if (derived.parameters) {
    entry.parameters = derived.parameters.map(({ name, schema, isRequired }) => {
      return { name, description: schema.description, required: isRequired };
    });
    entry.get = inOrder(run, derived.parameters);
  }
  add(declared.prompts, 'prompts', name, entry);
  return run;
}

/**
 * Calls `run` with the arguments of these names, in this order. Written out for a few of them, since to spread a list
 * takes the interpreter longer than everything else about a call.
 *
 * @param {(...args: any[]) => any} run
 * @param {{name: string}[]} parameters
 * @returns {(args: Record<string, any>) => any}
 */
function inOrder(run, parameters) {
  const names = parameters.map(({ name }) => name);
  const [first, second, third] = names;
  if (names.length === 0) return () => run();
  if (names.length === 1) return (args) => run(args[first]);
  if (names.length === 2) return (args) => run(args[first], args[second]);
  if (names.length === 3) return (args) => run(args[first], args[second], args[third]);
  return (args) => run(...names.map((name) => args[name]));
}

/**
 * @param {string} key
 * @param {string | {title?: string, description?: string}} value
 */
function argument(key, value) {
  const isOptional = key.endsWith('?');
  const rest = typeof value === 'string' ? { description: value } : value;
  return { ...rest, name: isOptional ? key.slice(0, -1) : key, required: !isOptional };
}

/** @param {any} options @param {(uri: string) => any} read @returns {any} */
export function resource(options, read) {
  if (typeof options?.uri !== 'string' || typeof read !== 'function') {
    throw new TypeError('resource: write resource({uri, name}, function)');
  }
  add(declared.resources, 'resources', options.uri, { options, read });
  return read;
}

/** @param {any} options @param {(variables: any, uri: string) => any} read @returns {any} */
export function resourceTemplate(options, read) {
  if (typeof options?.uriTemplate !== 'string' || typeof read !== 'function') {
    throw new TypeError('resourceTemplate: write resourceTemplate({uriTemplate, name}, function)');
  }
  const { uriTemplate } = options;
  add(declared.templates, 'resource templates', uriTemplate, { options, match: matcher(uriTemplate), read });
  return read;
}

/** @param {import('./index.js').Filter} functions */
export function filter(functions) {
  if (declared.filter) throw new TypeError('filter: a plugin has one');
  if (!functions?.before && !functions?.after) throw new TypeError('filter: write filter({before, after}), or one of them');
  declared.filter = functions;
}

/**
 * @param {string} what
 * @param {any[]} given
 * @returns {{options: any, run: (...args: any[]) => any, derived: Derived}}
 */
function parts(what, given) {
  const [options, run, derived = {}] = typeof given[0] === 'function' ? [{}, ...given] : given;
  if (typeof options !== 'object' || options === null || typeof run !== 'function') {
    throw new TypeError(`${what}: write ${what}(function) or ${what}(options, function)`);
  }
  return { options, run, derived };
}

/**
 * @param {string} what
 * @param {{name?: string}} options
 * @param {Function} run
 * @param {Derived} derived
 */
function nameOf(what, options, run, derived) {
  const name = options.name ?? derived.name ?? run.name;
  if (!name) throw new TypeError(`${what}: a function without a name needs one: ${what}({name: '…'}, function)`);
  return name;
}

/**
 * @template T
 * @param {Map<string, T>} map
 * @param {string} what
 * @param {string} key
 * @param {T} value
 */
function add(map, what, key, value) {
  if (map.has(key)) throw new TypeError(`two ${what} are called ${key}`);
  map.set(key, value);
}
