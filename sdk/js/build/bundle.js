// From the plugin's modules to one, as the engine takes it.

import { readFile } from 'node:fs/promises';
import { extname } from 'node:path';
import * as esbuild from 'esbuild';
import { Mistake } from './mistake.js';

/** What the component imports, all of which the world names. */
const OUTSIDE = ['gateway:*', 'wasi:*'];

/**
 * @typedef {import('./describe.js').Described} Described
 *
 * @param {object} job
 * @param {string} job.folder
 * @param {string} job.main
 * @param {string[]} job.interfaces what the component exports; none: the module is to be looked at in Node
 * @param {Described} job.described
 * @returns {Promise<{code: string, imports: string[]}>} and the imports that are left
 */
export async function bundle({ folder, main, interfaces, described }) {
  const isProbe = interfaces.length === 0;
  const exported = isProbe
    ? `export { interfaces } from 'gateway-sdk/declarations';`
    : `export { ${interfaces.join(', ')} } from 'gateway-sdk/component';`;
  const globals = isProbe ? '' : `import 'gateway-sdk/globals';\n`;
  /** @type {esbuild.BuildOptions} */
  const inside = {
    conditions: ['gateway'],
    platform: 'neutral',
    mainFields: ['module', 'main'],
    // Promises that run when they are told to: see src/promise.js.
    supported: { 'async-await': false, 'async-generator': false, 'for-await': false },
  };
  try {
    const { outputFiles, metafile } = await esbuild.build({
      stdin: { contents: `${globals}import ${JSON.stringify(main)};\n${exported}\n`, resolveDir: folder, loader: 'js' },
      ...(isProbe ? { platform: 'node' } : inside),
      bundle: true,
      format: 'esm',
      target: 'es2023',
      // Names stand in messages: of errors, and of tools that are called as their functions are.
      keepNames: true,
      minifyWhitespace: !isProbe,
      minifySyntax: !isProbe,
      charset: 'utf8',
      legalComments: 'none',
      external: OUTSIDE,
      write: false,
      outfile: 'plugin.js',
      metafile: true,
      logLevel: 'silent',
      plugins: [inserted(described)],
    });
    const [{ imports }] = Object.values(metafile.outputs);
    return { code: outputFiles[0].text, imports: imports.filter(({ external }) => external).map(({ path }) => path) };
  } catch (error) {
    const { errors } = /** @type {esbuild.BuildFailure} */ (error);
    if (!errors) throw error;
    const messages = await esbuild.formatMessages(errors, { kind: 'error', color: false });
    throw new Mistake(messages.join('').trim().replace(/^\S* \[ERROR\] /, ''), hint(errors));
  }
}

/** @param {esbuild.Message[]} errors */
function hint(errors) {
  const name = /^Could not resolve "(?:node:)?([^"]+)"/.exec(errors[0]?.text)?.[1];
  if (name === undefined || name.startsWith('.')) return undefined;
  return `a plugin has what JavaScript has, the gateway's SDK, and the \`dependencies\` of its package.json; ${name} is none of these`;
}

/**
 * Writes what was read of functions behind the functions.
 *
 * @param {Described} described
 * @returns {esbuild.Plugin}
 */
function inserted(described) {
  return {
    name: 'described',
    setup(build) {
      build.onLoad({ filter: /\.[cm]?[jt]sx?$/ }, async ({ path }) => {
        const insertions = described.get(path);
        if (!insertions) return undefined;
        let contents = await readFile(path, 'utf8');
        // From the back, so that the places of those before stay what they are.
        for (const { place, text } of insertions.toSorted((a, b) => b.place - a.place)) {
          contents = contents.slice(0, place) + text + contents.slice(place);
        }
        return { contents, loader: /** @type {esbuild.Loader} */ (extname(path).slice(1).replace(/^[cm]/, '')) };
      });
    },
  };
}
