// The imports of the component, as far as the SDK uses them.

declare module 'gateway:plugin/host@0.1.0' {
  type Piece = { tag: string; val: any };
  export function log(level: string, message: string): void;
  export function progress(progress: number, total: number | null, message: string | null): void;
  export function cancelled(): boolean;
  export function config(): string;
  export function callTool(
    name: string,
    args: string,
  ): { content: Piece[]; structured?: string | null; isError: boolean };
  export function elicit(message: string, schema: string): { tag: 'accept' | 'decline' | 'cancel'; val?: any };
  export function sample(request: string): string;
  export function listRoots(): { uri: string; name?: string | null }[];
}

declare module 'wasi:keyvalue/store@0.2.0-draft2' {
  export interface Bucket {
    get(key: string): Uint8Array | null;
    set(key: string, value: Uint8Array): void;
    delete(key: string): void;
    exists(key: string): boolean;
    listKeys(cursor: number | null): { keys: string[]; cursor?: number | null };
  }
  export function open(identifier: string): Bucket;
}

declare module 'wasi:keyvalue/atomics@0.2.0-draft2' {
  import type { Bucket } from 'wasi:keyvalue/store@0.2.0-draft2';
  export function increment(bucket: Bucket, key: string, delta: number): number;
}

declare module 'wasi:clocks/monotonic-clock@0.2.12' {
  export function subscribeDuration(nanoseconds: number): { block(): void };
}

declare module 'wasi:random/random@0.2.12' {
  export function getRandomBytes(length: number): Uint8Array;
}

declare module 'wasi:http/types@0.2.12' {
  export class Fields {
    static fromList(entries: [string, Uint8Array][]): Fields;
    entries(): [string, Uint8Array][];
  }
  export class OutgoingRequest {
    constructor(headers: Fields);
    body(): OutgoingBody;
    setMethod(method: { tag: string; val?: string }): void;
    setPathWithQuery(path: string): void;
    setScheme(scheme: { tag: string; val?: string }): void;
    setAuthority(authority: string): void;
  }
  export class OutgoingBody {
    write(): { blockingWriteAndFlush(contents: Uint8Array): void; [Symbol.dispose](): void };
    static finish(body: OutgoingBody, trailers: null): void;
  }
  export interface IncomingBody {
    stream(): { blockingRead(length: number): Uint8Array };
  }
  export interface IncomingResponse {
    status(): number;
    headers(): Fields;
    consume(): IncomingBody;
  }
  export interface FutureIncomingResponse {
    subscribe(): { block(): void };
    get(): { tag: 'ok' | 'err'; val: { tag: 'ok'; val: IncomingResponse } | { tag: 'err'; val: any } } | null;
  }
}

declare module 'wasi:http/outgoing-handler@0.2.12' {
  import type { FutureIncomingResponse, OutgoingRequest } from 'wasi:http/types@0.2.12';
  export function handle(request: OutgoingRequest, options: null): FutureIncomingResponse;
}
