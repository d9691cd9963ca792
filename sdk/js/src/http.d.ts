/**
 * `fetch` over `wasi:http`, as far as `permissions.net` grants it: the part of the web's that plugins use. A redirect is
 * an answer like any other, with its `location`.
 *
 * @module
 */

/** Names are compared without case. */
export class Headers implements Iterable<[string, string]> {
  constructor(init?: Iterable<[string, string]> | Record<string, string>);
  /** All values of the name, joined by `, `; null where there is none. */
  get(name: string): string | null;
  has(name: string): boolean;
  set(name: string, value: string): void;
  append(name: string, value: string): void;
  delete(name: string): void;
  [Symbol.iterator](): IterableIterator<[string, string]>;
}

/** What came back. Its body can be read once. */
export class Response {
  constructor(parts: {
    url: string;
    status: number;
    headers: Headers;
    read: () => Uint8Array | PromiseLike<Uint8Array>;
  });
  readonly url: string;
  readonly status: number;
  /** The status is 200 to 299. */
  readonly ok: boolean;
  readonly headers: Headers;
  text(): Promise<string>;
  json(): Promise<any>;
  bytes(): Promise<Uint8Array>;
}

export interface FetchOptions {
  /** GET by default. */
  method?: string;
  headers?: Headers | Iterable<[string, string]> | Record<string, string>;
  body?: string | Uint8Array | null;
}

/** Sends a request. Throws a `TypeError` that says why there is no response, such as a host that is not granted. */
export function fetch(url: string, options?: FetchOptions): Promise<Response>;
