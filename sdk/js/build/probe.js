// What a plugin declares, found out by running its declarations in Node.

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { bundle } from './bundle.js';
import { Mistake } from './mistake.js';

/**
 * @param {string} folder
 * @param {string} main
 * @param {import('./describe.js').Described} described
 * @returns {Promise<string[]>} the interfaces that the plugin has something for
 */
export async function probe(folder, main, described) {
  const { code } = await bundle({ folder, main, interfaces: [], described });
  const place = await mkdtemp(join(tmpdir(), 'gateway-plugin-'));
  let interfaces;
  try {
    const file = join(place, 'plugin.mjs');
    await writeFile(file, code);
    const plugin = await import(pathToFileURL(file).href);
    interfaces = plugin.interfaces();
  } catch (error) {
    throw new Mistake(`${main}: ${error}`);
  } finally {
    await rm(place, { recursive: true, force: true });
  }
  if (interfaces.length > 0) return interfaces;
  throw new Mistake(`${main}: the plugin declares nothing`, "write `tool(name of a function)`, with `import { tool } from 'gateway-sdk'`");
}
