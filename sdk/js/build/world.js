// The world of one plugin: what it declares, and what is left of its imports.

import { cp, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** What the SDK itself uses of WASI. */
const OURS = fileURLToPath(new URL('../wit', import.meta.url));
const VERSION = '0.1.0';

/**
 * Makes a folder with the world `built`, and takes it away after `work`.
 *
 * @param {{wit: string, interfaces: string[], imports: string[]}} parts `wit` is the gateway's own folder
 * @param {(folder: string) => Promise<void>} work
 */
export async function withWorld({ wit, interfaces, imports }, work) {
  const folder = await mkdtemp(join(tmpdir(), 'gateway-wit-'));
  try {
    await writeFile(join(folder, 'world.wit'), world(interfaces, imports));
    const deps = join(folder, 'deps');
    await mkdir(join(deps, 'gateway-plugin'), { recursive: true });
    for (const entry of await readdir(wit, { withFileTypes: true })) {
      const target = entry.name === 'deps' ? deps : join(deps, 'gateway-plugin', entry.name);
      await cp(join(wit, entry.name), target, { recursive: true });
    }
    await cp(OURS, deps, { recursive: true });
    await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/**
 * @param {string[]} interfaces
 * @param {string[]} imports
 */
export function world(interfaces, imports) {
  const lines = [
    ...[...new Set(imports)].sort().map((name) => `import ${name};`),
    ...interfaces.map((name) => `export gateway:plugin/${name}@${VERSION};`),
  ];
  return `package built:plugin;\n\nworld built {\n${lines.map((line) => `  ${line}\n`).join('')}}\n`;
}
