// `fetch`, as far as plugins need it. Its types stand in http.d.ts.

import { send } from '#http';

/** See http.d.ts. */
export class Headers {
  /** @type {[string, string][]} */
  #entries = [];

  /** @param {any} [init] */
  constructor(init = {}) {
    for (const [name, value] of typeof init[Symbol.iterator] === 'function' ? init : Object.entries(init)) {
      this.append(name, value);
    }
  }

  /** @param {string} name @param {string} value */
  append(name, value) {
    this.#entries.push([String(name).toLowerCase(), String(value)]);
  }

  /** @param {string} name @param {string} value */
  set(name, value) {
    this.delete(name);
    this.append(name, value);
  }

  /** @param {string} name */
  delete(name) {
    const key = name.toLowerCase();
    this.#entries = this.#entries.filter(([one]) => one !== key);
  }

  /** @param {string} name */
  get(name) {
    const key = name.toLowerCase();
    const values = this.#entries.filter(([one]) => one === key).map(([, value]) => value);
    return values.length > 0 ? values.join(', ') : null;
  }

  /** @param {string} name */
  has(name) {
    return this.get(name) !== null;
  }

  [Symbol.iterator]() {
    return this.#entries[Symbol.iterator]();
  }
}

/** See http.d.ts. */
export class Response {
  #read;

  /** @param {{url: string, status: number, headers: Headers, read: () => Uint8Array | PromiseLike<Uint8Array>}} parts */
  constructor({ url, status, headers, read }) {
    this.url = url;
    this.status = status;
    this.headers = headers;
    this.#read = read;
  }

  get ok() {
    return this.status >= 200 && this.status < 300;
  }

  async bytes() {
    const read = this.#read;
    this.#read = () => {
      throw new TypeError('the body was read before');
    };
    return await read();
  }

  async text() {
    return new TextDecoder().decode(await this.bytes());
  }

  async json() {
    return JSON.parse(await this.text());
  }
}

/** @param {string} address @param {any} [options] */
export async function fetch(address, { method = 'GET', headers = {}, body } = {}) {
  const [, url, scheme, authority, path = ''] =
    /^((https?):\/\/([^/?#@]+)([/?][^#]*)?)(#.*)?$/i.exec(address) ?? [];
  if (url === undefined) throw new TypeError(`${address} is no address of HTTP`);
  const all = new Headers(headers);
  let bytes = null;
  if (body !== undefined && body !== null) {
    bytes = body instanceof Uint8Array ? body : new TextEncoder().encode(String(body));
    if (typeof body === 'string' && !all.has('content-type')) all.set('content-type', 'text/plain;charset=UTF-8');
  }
  const { status, headers: answered, read } = await send({
    method: method.toUpperCase(),
    scheme: scheme.toLowerCase(),
    authority,
    path: path.startsWith('/') ? path : `/${path}`,
    headers: [...all],
    body: bytes,
  });
  return new Response({ url, status, headers: new Headers(answered), read });
}
