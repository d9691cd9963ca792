/**
 * Write a sandboxed MCP tool as a plain JavaScript function.
 *
 * ```js
 * import { tool } from 'gateway-sdk';
 *
 * /**
 *  * Add two numbers.
 *  *
 *  * @param {number} a the first
 *  * @param {number} b the second
 *  *\/
 * function add(a, b) {
 *   return a + b;
 * }
 *
 * tool(add);
 * ```
 *
 * `gateway plugin build` reads names, types and comments of `add`, JSDoc or TypeScript, and makes the tool's schema and
 * description of them.
 *
 * @module
 */

/** A JSON Schema (2020-12). */
export type Schema = { [keyword: string]: unknown };

/**
 * An object schema: a JSON Schema with `type: 'object'`, or the short form, names with a type or a schema each, where a
 * `?` behind the name makes it optional: `{ text: 'string', 'lines?': { type: 'integer', minimum: 1 } }`.
 */
export type ObjectSchema = Schema | { [name: string]: string | Schema };

/** A whole number. In JSDoc and TypeScript alike it becomes `{"type": "integer"}`; to the language it is a `number`. */
export type Integer = number;

/** Hints for clients about a tool's behaviour. Nothing enforces them; one left out leaves MCP's default. */
export interface ToolAnnotations {
  /** The tool changes nothing; false by default. */
  readOnly?: boolean;
  /** A change that the tool makes may destroy something; true by default. */
  destructive?: boolean;
  /** Calling it again with the same arguments changes nothing more; false by default. */
  idempotent?: boolean;
  /** It reaches things outside of the plugin, such as the web; true by default. */
  openWorld?: boolean;
}

export interface ToolOptions {
  /** The tool's name, where it is not the function's. */
  name?: string;
  /** A name for people. */
  title?: string;
  /** What the tool does and when to use it, for the model; by default the function's comment. */
  description?: string;
  /** What it takes. With it, the function gets one object of arguments. */
  input?: ObjectSchema;
  /** What it returns: with it, every result has to be an object that fits. */
  output?: ObjectSchema;
  /** Hints for clients. */
  annotations?: ToolAnnotations;
  /** Further keywords of JSON Schema by parameter, such as `{ lines: { minimum: 1 } }`, where the comment has none. */
  parameters?: { [name: string]: Schema };
}

/** What a tool may return: `undefined` is nothing, an object is for programs too, anything else is text. */
export type ToolOutput = undefined | void | null | string | number | bigint | boolean | object | Content | Content[] | ToolResult;

/** A result in full. */
export interface ToolResult {
  /** For the model to read. */
  content: Content[];
  /** For programs to read. */
  structured?: object;
  /** The tool ran and failed. */
  isError?: boolean;
}

/**
 * Makes a tool of a function, and gives the function back. What it throws becomes a result that is marked as an error,
 * with the message for the model to read: see {@link ToolError}. It may be `async`.
 */
export function tool<F extends (...args: any[]) => ToolOutput | PromiseLike<ToolOutput>>(run: F): F;
export function tool<F extends (...args: any[]) => ToolOutput | PromiseLike<ToolOutput>>(options: ToolOptions, run: F): F;

/** Whom a piece is for. */
export type Role = 'user' | 'assistant';

/** Hints about a piece of content. */
export interface Annotations {
  /** Whom it is for; everybody, where it is not given. */
  audience?: Role[];
  /** How much it matters, from 0 (could be left out) to 1 (needed). */
  priority?: number;
  /** When it was last changed, such as `2026-01-31T12:00:00Z`. */
  lastModified?: string;
}

/** One piece of a result, made by {@link text}, {@link image}, {@link audio}, {@link link} or {@link embedded}. */
export class Content {
  private constructor();
  readonly type: 'text' | 'image' | 'audio' | 'resource-link' | 'embedded-resource';
  /** Of a text or an embedded text. */
  readonly text?: string;
  /** The bytes of an image or a sound. */
  readonly data?: Uint8Array;
  /** The bytes of an embedded resource. */
  readonly blob?: Uint8Array;
  readonly mimeType?: string;
  readonly uri?: string;
  readonly annotations?: Annotations;
}

/** A text. */
export function text(text: string, annotations?: Annotations): Content;
/** An image: the bytes of the file, and its media type such as `image/png`. */
export function image(data: Uint8Array, mimeType: string, annotations?: Annotations): Content;
/** A sound: the bytes of the file, and its media type such as `audio/wav`. */
export function audio(data: Uint8Array, mimeType: string, annotations?: Annotations): Content;
/** A link to a resource that the client may read by itself. */
export function link(resource: ResourceOptions): Content;
/** A resource that comes along. */
export function embedded(resource: EmbeddedResource): Content;

export interface EmbeddedResource {
  uri: string;
  mimeType?: string;
  /** Its text, or… */
  text?: string;
  /** …its bytes. */
  blob?: Uint8Array;
  annotations?: Annotations;
}

export interface ResourceOptions {
  /** Where it is. */
  uri: string;
  /** Its name for programs; by default the address. */
  name?: string;
  /** Its name for people. */
  title?: string;
  /** What it is. */
  description?: string;
  /** Its media type. */
  mimeType?: string;
  /** Its size in bytes. */
  size?: number;
  annotations?: Annotations;
}

/**
 * What was read: a text, bytes, several parts, anything else as JSON. `undefined` and `null` say that there is no such
 * resource.
 */
export type Contents = string | Uint8Array | object | undefined | null;

/** Offers a resource. */
export function resource<F extends (uri: string) => Contents | PromiseLike<Contents>>(options: ResourceOptions, read: F): F;

/**
 * What could be meant: a list, of which those count that begin with what was typed, or a function that finds them.
 * `context` has the arguments that are chosen already.
 */
export type Complete =
  | string[]
  | ((typed: string, context: Record<string, string>) => Completion | PromiseLike<Completion>);

export type Completion = string[] | { values: string[]; total?: number; hasMore?: boolean };

export interface ResourceTemplateOptions {
  /** How the addresses are made (RFC 6570), of `{name}` and `{+name}`, the latter with `/` in it. */
  uriTemplate: string;
  /** Its name for programs; by default the template. */
  name?: string;
  /** Its name for people. */
  title?: string;
  /** What these resources are. */
  description?: string;
  /** Their media type, where it is the same for all. */
  mimeType?: string;
  annotations?: Annotations;
  /** By variable, what could be meant. */
  complete?: { [variable: string]: Complete };
}

/** Offers a family of resources. The function gets the variables and the whole address. */
export function resourceTemplate<
  F extends (variables: Record<string, string>, uri: string) => Contents | PromiseLike<Contents>,
>(options: ResourceTemplateOptions, read: F): F;

export interface PromptOptions {
  /** The prompt's name, where it is not the function's. */
  name?: string;
  /** A name for people. */
  title?: string;
  /** What it is for; by default the function's comment. */
  description?: string;
  /**
   * What it can be filled with, by name, where a `?` behind the name makes it optional; a text is a description. With it,
   * the function gets one object of arguments.
   */
  arguments?: { [name: string]: string | { title?: string; description?: string } };
  /** By argument, what could be meant. */
  complete?: { [argument: string]: Complete };
}

/** A message of a prompt; a text or a piece of content alone is the user's. */
export type Message = string | Content | { role: Role; content: string | Content };

export type PromptOutput = Message | Message[] | { description?: string; messages: Message[] };

/** Offers a prompt. Its arguments are texts, and read of the function as those of a tool are. */
export function prompt<F extends (...args: any[]) => PromptOutput | PromiseLike<PromptOutput>>(get: F): F;
export function prompt<F extends (...args: any[]) => PromptOutput | PromiseLike<PromptOutput>>(options: PromptOptions, get: F): F;

/** A call of another tool, as a filter sees it. */
export interface FilteredCall {
  /** The public name of the tool, such as `github__create_issue`. */
  name: string;
  arguments: Record<string, any>;
  /** The role of the caller, where there are roles. */
  role?: string;
}

/** Sees the calls of other tools. A filter that throws lets nothing through. */
export interface Filter {
  /** Before the call: nothing lets it go on, `arguments` changes them, `refuse` ends it with a reason for the model. */
  before?(call: FilteredCall): Decision | PromiseLike<Decision>;
  /**
   * With MCP's `CallToolResult`: nothing leaves it, `result` takes its place, `withhold` keeps it back with a reason for
   * the model.
   */
  after?(call: FilteredCall, result: any): Verdict | PromiseLike<Verdict>;
}

export type Decision = undefined | void | { arguments: object } | { refuse: string };
export type Verdict = undefined | void | { result: object } | { withhold: string };

/** Declares the plugin's filter. */
export function filter(functions: Filter): void;

/**
 * What a tool throws to tell the model, in one sentence, what is wrong and what to do. Any other error does so too, with
 * its kind before the message, and where it happened in the log.
 */
export class ToolError extends Error {
  /** `invalid-arguments`: wrong in a way that the schema does not tell; `cancelled`: the call was, and the tool stopped. */
  constructor(message: string, options?: { code?: 'failed' | 'invalid-arguments' | 'cancelled' });
  readonly code: 'failed' | 'invalid-arguments' | 'cancelled';
}

export type CallErrorCode = 'unknown-tool' | 'denied' | 'unsupported' | 'cancelled' | 'limit' | 'failed';

/** Why a call of another tool, or a question to the client, gave no result. */
export class CallError extends Error {
  constructor(code: CallErrorCode, message: string);
  readonly code: CallErrorCode;
}

export type StoreErrorCode = 'no-such-store' | 'access-denied' | 'other';

/** Why the store did not do something. */
export class StoreError extends Error {
  constructor(code: StoreErrorCode, message: string);
  readonly code: StoreErrorCode;
}

/** The eight levels of MCP's logging (RFC 5424). */
export type LogLevel = 'debug' | 'info' | 'notice' | 'warning' | 'error' | 'critical' | 'alert' | 'emergency';

/** Writes a line to the gateway's log. What passes the plugin's log limit is dropped. So does `console`. */
export const log: {
  (level: LogLevel, message: unknown): void;
  debug(message: unknown): void;
  info(message: unknown): void;
  notice(message: unknown): void;
  warning(message: unknown): void;
  error(message: unknown): void;
};

/** Tells the caller how far the call is, if it asked to be told. `progress` has to grow, up to `total` where known. */
export function progress(progress: number, total?: number, message?: string): void;

/** True from the moment on when the caller has cancelled this call. Who works for long asks from time to time. */
export function cancelled(): boolean;

/** The plugin's `config` from `gateway.yaml`, `{}` where there is none. */
export function config(): any;

/**
 * Calls a tool of the gateway by its public name: one that the plugin was granted (`permissions.tools`) and that the
 * caller's role may see. One that ran and failed is no error here: look at `isError`. Throws a {@link CallError}.
 */
export function callTool(
  name: string,
  args?: object,
): {
  content: Content[];
  /** The texts among the content, joined by line breaks. */
  text: string;
  structured?: any;
  isError: boolean;
};

/**
 * Asks the user; needs `elicitation` in `permissions.client`. `schema` is a JSON Schema of an object whose members are
 * texts, numbers, booleans or enumerations. Throws a {@link CallError}.
 */
export function elicit(
  message: string,
  schema: object,
): { action: 'accept'; content: any } | { action: 'decline' } | { action: 'cancel' };

/**
 * Asks the client's model (MCP `sampling/createMessage`); needs `sampling` in `permissions.client`. Takes that method's
 * `params` and gives its result. Throws a {@link CallError}.
 */
export function sample(request: object): any;

/** Asks the client where it works; needs `roots` in `permissions.client`. Throws a {@link CallError}. */
export function listRoots(): { uri: string; name?: string }[];

/** The plugin's own store, which outlives calls and restarts; needs `limits.storage`. Throws a {@link StoreError}. */
export interface Store {
  /** The value, `undefined` where there is none. */
  get(key: string): any;
  /** Sets what has a JSON form. */
  set(key: string, value: unknown): void;
  getBytes(key: string): Uint8Array | undefined;
  setBytes(key: string, bytes: Uint8Array): void;
  delete(key: string): void;
  has(key: string): boolean;
  keys(): string[];
  /** Adds to the number under the key, none being 0, with nothing in between, and gives the sum. */
  increment(key: string, delta?: number): number;
}

export const store: Store;
