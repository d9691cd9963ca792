// The store of the gateway. Opened anew for each use: a call has an instance of its own, and few have two uses.

import { open as openBucket } from 'wasi:keyvalue/store@0.2.0-draft2';
import { increment } from 'wasi:keyvalue/atomics@0.2.0-draft2';

/** @returns {import('./bucket.d.ts').Bucket} */
export function open() {
  const bucket = openBucket('');
  return {
    get: (key) => bucket.get(key),
    set: (key, value) => bucket.set(key, value),
    delete: (key) => bucket.delete(key),
    exists: (key) => bucket.exists(key),
    listKeys: (cursor) => bucket.listKeys(cursor),
    increment: (key, delta) => increment(bucket, key, delta),
  };
}
