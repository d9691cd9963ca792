import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as ours from '../src/encoding.js';

const TEXTS = ['', 'a', 'ä€𝄞\u0000', '\ud800', 'x\udc00y', '\ufeffb'];

test('texts become the bytes that the web makes of them', () => {
  for (const text of TEXTS) {
    assert.deepEqual(new ours.TextEncoder().encode(text), new TextEncoder().encode(text), JSON.stringify(text));
  }
});

test('bytes become the texts that the web makes of them', () => {
  let seed = 1;
  const random = () => (seed = (seed * 48271) % 0x7fffffff);
  // Lead bytes, tails and what is neither, thrown together.
  const parts = [0x41, 0x7f, 0x80, 0xbf, 0xc0, 0xc2, 0xdf, 0xe0, 0xa0, 0xed, 0x9f, 0xef, 0xbb, 0xbf, 0xf0, 0x90, 0xf4, 0x8f, 0xf5, 0xff];
  for (let round = 0; round < 20_000; round++) {
    const bytes = Uint8Array.from({ length: random() % 8 }, () => parts[random() % parts.length]);
    const theirs = new TextDecoder().decode(bytes);
    assert.equal(new ours.TextDecoder().decode(bytes), theirs, String(bytes));
    assert.equal(new ours.TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes.buffer), new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes));
    if (theirs.includes('\ufffd')) assert.throws(() => new ours.TextDecoder('UTF-8', { fatal: true }).decode(bytes), TypeError);
  }
});

test('another encoding is refused', () => {
  assert.throws(() => new ours.TextDecoder('latin1'), /the encoding latin1 is not known/);
});
