// From one module to a component.

import { writeFile } from 'node:fs/promises';
import * as qjs from 'componentize-qjs';
import { Mistake } from './mistake.js';

/**
 * While the snapshot is taken, what the component imports is a stub, apart from what the engine itself takes from WASI.
 * An interface of which some is stub and some is not does not fit together, and `wasi:http` is one: it uses the streams
 * of `wasi:io`. So its streams bear a version that nobody has until the snapshot is taken, and afterwards one that
 * every host has, as a name of its own beside the engine's `0.2.12`.
 */
const RENAMED = ['error', 'poll', 'streams'].map((name) => [`wasi:io/${name}@9.2.1`, `wasi:io/${name}@0.2.1`]);

/**
 * @param {string} witPath a folder with the world `built`
 * @param {string} jsSource
 * @param {string} output
 */
export async function componentize(witPath, jsSource, output) {
  let component;
  try {
    ({ component } = await qjs.componentize({ witPath, world: 'built', jsSource, sync: true }));
  } catch (error) {
    throw new Mistake(`the plugin does not run in the engine: ${/** @type {Error} */ (error).message}`);
  }
  for (const [name, renamed] of RENAMED) replace(component, Buffer.from(name), Buffer.from(renamed));
  await writeFile(output, component);
}

/**
 * @param {Buffer} bytes
 * @param {Buffer} from
 * @param {Buffer} to just as long
 */
function replace(bytes, from, to) {
  for (let place = bytes.indexOf(from); place >= 0; place = bytes.indexOf(from, place)) to.copy(bytes, place);
}
