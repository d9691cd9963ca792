// The SDK in the plugin's `node_modules`, for editors, unit tests and the build alike.

import { cp, lstat, mkdir, mkdtemp, readFile, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const SDK = fileURLToPath(new URL('../', import.meta.url));
const PARTS = ['package.json', 'README.md', 'src'];

/**
 * Puts the SDK there, unless it is there as it should be. A link leads to somebody's own SDK, and is left alone.
 *
 * @param {string} folder
 */
export async function install(folder) {
  const modules = join(folder, 'node_modules');
  const place = join(modules, 'gateway-sdk');
  const found = await lstat(place).catch(() => null);
  if (found?.isSymbolicLink() || (found && (await isSame(place)))) return;
  await mkdir(modules, { recursive: true });
  const made = await mkdtemp(join(modules, '.gateway-sdk-'));
  try {
    for (const part of PARTS) await cp(join(SDK, part), join(made, part), { recursive: true });
    await rm(place, { recursive: true, force: true });
    await rename(made, place);
  } finally {
    await rm(made, { recursive: true, force: true });
  }
}

/** @param {string} place */
async function isSame(place) {
  const [ours, theirs] = await Promise.all([contents(SDK), contents(place)]);
  return ours === theirs;
}

/** @param {string} folder */
async function contents(folder) {
  const texts = [];
  for (const part of PARTS) {
    const entries = part === 'src' ? await readdir(join(folder, part), { recursive: true, withFileTypes: true }).catch(() => []) : null;
    const files = entries?.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath ?? entry.path, entry.name));
    for (const file of (files ?? [join(folder, part)]).sort()) {
      texts.push(file.slice(folder.length), await readFile(file, 'utf8').catch(() => null));
    }
  }
  return JSON.stringify(texts);
}
