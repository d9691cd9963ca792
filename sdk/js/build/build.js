// Makes a component of a plugin: node build.js FOLDER WIT OUTPUT
//
// Sources -> what they say of their functions (describe.js) -> one file for the engine (esbuild) -> a component
// (componentize-qjs), whose snapshot is taken after all declarations were made, so that a call does none of this.

import { readFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { bundle } from './bundle.js';
import { componentize } from './componentize.js';
import { describe } from './describe.js';
import { Mistake } from './mistake.js';
import { probe } from './probe.js';
import { withWorld } from './world.js';

/** Where a plugin begins, if its package.json does not say. */
const BEGINNINGS = ['src/plugin.js', 'src/plugin.ts', 'plugin.js', 'plugin.ts', 'index.js', 'index.ts'];

/** @param {string} folder @returns {Promise<string>} the file that a plugin begins with */
async function beginning(folder) {
  const manifest = join(folder, 'package.json');
  let main;
  try {
    ({ main } = JSON.parse(await readFile(manifest, 'utf8')));
  } catch (error) {
    throw new Mistake(`${manifest} cannot be read: ${/** @type {Error} */ (error).message}`);
  }
  const names = typeof main === 'string' ? [main] : BEGINNINGS;
  const found = names.map((name) => join(folder, name)).find((file) => existsSync(file));
  if (found) return found;
  throw new Mistake(`${folder}: ${names.join(', ')}: there is no such file`, 'write `"main": "src/plugin.js"` in package.json');
}

/** @param {string} folder @param {string} wit @param {string} output */
async function build(folder, wit, output) {
  const main = await beginning(folder);
  const described = describe(main);
  const interfaces = await probe(folder, main, described);
  const { code, imports } = await bundle({ folder, main, interfaces, described });
  await withWorld({ wit, interfaces, imports }, (world) => componentize(world, code, output));
}

const [folder, wit, output] = process.argv.slice(2).map((argument) => resolve(argument));
try {
  await build(folder, wit, output);
} catch (error) {
  // Mistakes in a plugin are told as such, and not with the way through this program.
  const isMistake = error instanceof Mistake;
  process.stderr.write(`${isMistake ? error.message : /** @type {Error} */ (error)?.stack ?? error}\n`);
  if (isMistake && error.hint) process.stderr.write(`hint: ${error.hint}\n`);
  process.exitCode = 1;
}
// A plugin that was looked at may have begun something that would keep this alive.
process.exit();
