// A tool is a function, and tested as one: npm test.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { count } from '../src/plugin.js';

test('words are counted', () => {
  assert.deepEqual(count('a b a'), { total: 3, frequent: { a: 2, b: 1 } });
});

test('a text without words is told', () => {
  assert.throws(() => count(' '), /there are no words/);
});
