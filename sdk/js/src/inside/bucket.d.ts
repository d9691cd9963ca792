/** What the store is made of, inside of the gateway and outside. */
export interface Bucket {
  get(key: string): Uint8Array | null;
  set(key: string, value: Uint8Array): void;
  delete(key: string): void;
  exists(key: string): boolean;
  listKeys(cursor: number | null): { keys: string[]; cursor?: number | null };
  increment(key: string, delta: number): number;
}
