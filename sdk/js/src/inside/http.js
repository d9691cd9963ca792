// Requests by wasi:http.

import { handle } from 'wasi:http/outgoing-handler@0.2.12';
import { Fields, OutgoingBody, OutgoingRequest } from 'wasi:http/types@0.2.12';
import { payload } from '../errors.js';

/** What a stream takes at once, in bytes. */
const AT_ONCE = 4096;
/** What is read at once, in bytes. */
const PIECE = 65_536;

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'CONNECT', 'OPTIONS', 'TRACE', 'PATCH'];

/**
 * @param {import('./exchange.d.ts').Request} request
 * @returns {import('./exchange.d.ts').Answer}
 */
export function send({ method, scheme, authority, path, headers, body }) {
  const [encoder, decoder] = [new TextEncoder(), new TextDecoder()];
  const response = done(`${method} ${scheme}://${authority}${path}`, () => {
    // Its length is known, and not every server takes a body in pieces.
    const length = body && !headers.some(([name]) => name === 'content-length') ? [['content-length', `${body.length}`]] : [];
    const fields = [...headers, ...length].map(([name, value]) => [name, encoder.encode(value)]);
    const request = new OutgoingRequest(Fields.fromList(/** @type {[string, Uint8Array][]} */ (fields)));
    request.setMethod(METHODS.includes(method) ? { tag: method.toLowerCase() } : { tag: 'other', val: method });
    request.setScheme({ tag: scheme.toUpperCase() });
    request.setAuthority(authority);
    request.setPathWithQuery(path);
    const outgoing = body && request.body();
    const future = handle(request, null);
    if (body && outgoing) write(outgoing, body);
    future.subscribe().block();
    // The outer result tells that it was taken once, the inner one what came.
    const answer = future.get()?.val;
    if (answer?.tag !== 'ok') throw answer?.val;
    return answer.val;
  });
  return {
    status: response.status(),
    headers: response.headers().entries().map(([name, value]) => [name, decoder.decode(Uint8Array.from(value))]),
    read: () => read(response.consume()),
  };
}

/** @param {OutgoingBody} outgoing @param {Uint8Array} bytes */
function write(outgoing, bytes) {
  const stream = outgoing.write();
  for (let start = 0; start < bytes.length; start += AT_ONCE) {
    stream.blockingWriteAndFlush(bytes.subarray(start, start + AT_ONCE));
  }
  stream[Symbol.dispose]();
  OutgoingBody.finish(outgoing, null);
}

/** @param {import('wasi:http/types@0.2.12').IncomingBody} body */
function read(body) {
  const stream = body.stream();
  const pieces = [];
  let size = 0;
  for (;;) {
    let piece;
    try {
      piece = Uint8Array.from(stream.blockingRead(PIECE));
    } catch (thrown) {
      const { tag, val } = payload(thrown);
      if (tag === 'closed') break;
      throw new TypeError(`the body broke off: ${val?.toDebugString?.() ?? tag}`);
    }
    pieces.push(piece);
    size += piece.length;
  }
  const bytes = new Uint8Array(size);
  let place = 0;
  for (const piece of pieces) {
    bytes.set(piece, place);
    place += piece.length;
  }
  return bytes;
}

/**
 * @template T
 * @param {string} what
 * @param {() => T} work
 * @returns {T}
 */
function done(what, work) {
  try {
    return work();
  } catch (thrown) {
    const { tag, val } = payload(thrown);
    const detail = typeof val === 'string' ? `: ${val}` : '';
    throw new TypeError(`${what}: ${tag.toLowerCase().replaceAll('-', ' ')}${detail}`);
  }
}
