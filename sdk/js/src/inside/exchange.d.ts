/** A request, as the two senders take it. */
export interface Request {
  method: string;
  scheme: string;
  authority: string;
  path: string;
  headers: [string, string][];
  body: Uint8Array | null;
}

/** What came back. */
export interface Answer {
  status: number;
  headers: [string, string][];
  read(): Uint8Array | PromiseLike<Uint8Array>;
}
