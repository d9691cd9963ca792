import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, symlink, writeFile, mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { describe } from '../build/describe.js';

const fixture = (name) => fileURLToPath(new URL(`fixtures/${name}`, import.meta.url));

/** What was read of each function, by name. */
async function read(file) {
  const insertions = describe(file).get(file) ?? [];
  return Object.fromEntries(insertions.map(({ text }) => JSON.parse(text.slice(2))).map((one) => [one.name, one]));
}

/** What is wrong with a plugin. */
async function mistake(source) {
  const folder = await mkdtemp(join(tmpdir(), 'describe-'));
  try {
    const file = join(folder, 'plugin.js');
    await mkdir(join(folder, 'node_modules'));
    await symlink(fileURLToPath(new URL('..', import.meta.url)), join(folder, 'node_modules/gateway-sdk'));
    await writeFile(file, `import { tool } from 'gateway-sdk';\n${source}`);
    let found;
    assert.throws(
      () => describe(file),
      (error) => {
        found = error.message.replace(folder, '');
        return true;
      },
    );
    return found;
  } finally {
    await rm(folder, { recursive: true });
  }
}

test('a function tells its name, description, parameters and what stands behind them', async () => {
  const { add } = await read(fixture('plugin.js'));
  assert.equal(add.description, 'Add two numbers.\n\nUse it for sums.');
  assert.deepEqual(add.parameters, [
    { name: 'a', schema: { type: 'number', description: 'the first' }, isRequired: true },
    { name: 'b', schema: { type: 'integer', description: 'the second', default: 3 }, isRequired: false },
    { name: 'mode', schema: { type: 'string', enum: ['up', 'down'], default: 'up' }, isRequired: false },
    { name: 'isLoud', schema: { type: 'boolean' }, isRequired: true },
  ]);
  assert.equal(add.output, undefined, 'nothing says what it returns');
});

test('types of ones own, lists, maps and what is returned are read through', async () => {
  const { visit } = await read(fixture('plugin.js'));
  const place = {
    type: 'object',
    properties: {
      name: { type: 'string', description: 'how people call it' },
      height: { type: 'integer', description: 'in metres' },
    },
    required: ['name'],
  };
  const costs = { type: 'object', properties: {}, additionalProperties: { anyOf: [{ type: 'null' }, { type: 'number' }] } };
  assert.deepEqual(visit.parameters, [
    { name: 'places', schema: { type: 'array', items: place, description: 'where to' }, isRequired: true },
    { name: 'costs', schema: costs, isRequired: false },
  ]);
  assert.deepEqual(visit.output, { type: 'object', properties: { visited: { type: 'integer' } }, required: ['visited'] });
});

test('whole numbers are found inside of other types', async () => {
  const { weigh } = await read(fixture('plugin.js'));
  const schemas = weigh.parameters.map(({ schema }) => schema);
  assert.deepEqual(schemas, [
    { type: 'object', properties: {}, additionalProperties: { type: 'integer' }, description: 'in grams' },
    { type: 'array', items: { type: 'integer' } },
  ]);
});

test('a function that takes apart one object takes the arguments as one', async () => {
  const { destructured, given } = await read(fixture('plugin.js'));
  assert.deepEqual(destructured.input, {
    type: 'object',
    properties: {
      text: { type: 'string' },
      pair: { type: 'array', prefixItems: [{ type: 'number' }, { type: 'string' }], minItems: 2, maxItems: 2 },
    },
    required: ['text'],
    additionalProperties: false,
  });
  assert.equal(given, undefined, 'a name of its own comes from the options');
});

test('a comment above the call is the description of a function without one', async () => {
  const { echo } = await read(fixture('plugin.js'));
  assert.equal(echo.description, 'Say it as often.');
  assert.deepEqual(echo.parameters, [
    { name: 'text', schema: { type: 'string' }, isRequired: true },
    { name: 'times', schema: { type: 'number', default: 2 }, isRequired: false },
  ]);
});

test('a prompt is read as a tool is', async () => {
  const { review } = await read(fixture('plugin.js'));
  assert.equal(review.description, 'Review some code.\n\n- one\n- two');
  assert.deepEqual(
    review.parameters.map(({ name, isRequired }) => [name, isRequired]),
    [['code', true], ['language', false]],
  );
});

test('TypeScript is read as JSDoc is', async () => {
  const { repeat } = await read(fixture('typed.ts'));
  const options = { type: 'object', properties: { count: { type: 'integer', description: 'How many.' } } };
  assert.deepEqual(repeat, {
    name: 'repeat',
    description: 'Repeat a text.',
    parameters: [
      { name: 'what', schema: { type: 'string', description: 'what' }, isRequired: true },
      { name: 'options', schema: options, isRequired: false },
    ],
  });
});

test('what is read stands right behind the function', async () => {
  const file = fixture('plugin.js');
  const source = await readFile(file, 'utf8');
  for (const { place } of describe(file).get(file)) assert.match(source.slice(place), /^,?\s*\)/);
});

test('what cannot be read is told with its line', async () => {
  assert.equal(await mistake('tool(function add(a) { return a; });'), '/plugin.js:2: nothing says what a is');
  const date = await mistake('tool(/** @param {Date} when */ function at(when) { return String(when); });');
  assert.equal(date, '/plugin.js:2: Date is nothing that JSON has');
  const rest = await mistake('tool(/** @param {...number} all */ function sum(...all) { return all.length; });');
  assert.equal(rest, '/plugin.js:2: only plain parameters can be read');
  const self = '/** @typedef {{next?: Node}} Node */\ntool(/** @param {Node} node */ function walk(node) { return node; });';
  assert.equal(await mistake(self), '/plugin.js:3: the type contains itself');
});
