// The tools of {{name}}: every function that is given to `tool` is one.

import { ToolError, tool } from 'gateway-sdk';

/** @typedef {import('gateway-sdk').Integer} Integer */

/**
 * How often words occur in a text.
 *
 * @typedef {object} Words
 * @property {Integer} total all words of the text
 * @property {Record<string, Integer>} frequent the most frequent ones, and how often each occurs
 */

/**
 * Count the words of a text, and tell which of them are frequent.
 *
 * @param {string} text the text
 * @param {Integer} most how many of the frequent words to tell
 * @returns {Words}
 */
export function count(text, most = 3) {
  const words = text.toLowerCase().match(/\S+/g);
  if (!words) throw new ToolError('there are no words in this text');
  /** @type {Map<string, number>} */
  const counts = new Map();
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
  const frequent = [...counts].sort(([, a], [, b]) => b - a).slice(0, most);
  return { total: words.length, frequent: Object.fromEntries(frequent) };
}

tool(
  {
    title: 'Count words',
    annotations: { readOnly: true, idempotent: true, openWorld: false },
    parameters: { most: { minimum: 1, maximum: 100 } },
  },
  count,
);
