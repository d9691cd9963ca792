// The types stand in files of their own: they have to name what there is.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import ts from '../build/node_modules/typescript/lib/typescript.js';

/** The values that a file of types declares. */
async function declared(name) {
  const url = new URL(`../src/${name}.d.ts`, import.meta.url);
  const file = ts.createSourceFile('x.d.ts', await readFile(url, 'utf8'), ts.ScriptTarget.Latest);
  const names = file.statements.flatMap((statement) => {
    if (ts.isVariableStatement(statement)) return statement.declarationList.declarations.map(({ name }) => name.text);
    return ts.isFunctionDeclaration(statement) || ts.isClassDeclaration(statement) ? [statement.name.text] : [];
  });
  return [...new Set(names)].sort();
}

for (const name of ['index', 'http']) {
  test(`${name}.d.ts declares what ${name}.js exports`, async () => {
    assert.deepEqual(Object.keys(await import(`../src/${name}.js`)).sort(), await declared(name));
  });
}
