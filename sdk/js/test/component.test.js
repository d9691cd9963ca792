import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CallError, ToolError, callTool, config, elicit, embedded, filter, image, link, prompt, resource, resourceTemplate, store, text, tool } from 'gateway-sdk';
import * as component from 'gateway-sdk/component';
import { interfaces } from 'gateway-sdk/declarations';

const call = (name, args = {}) => component.tool.callTool(name, JSON.stringify(args));
/** What a function of the component threw. */
const thrown = (work) => {
  try {
    work();
  } catch (value) {
    return value;
  }
  assert.fail('nothing was thrown');
};
/** A tool that does this, called. */
let made = 0;
const result = (run, args) => {
  const name = `made${++made}`;
  tool({ name, input: {} }, run);
  return call(name, args);
};

// First of all: the list grows with each test.
test('a component exports what is declared', () => {
  assert.deepEqual(interfaces(), []);
  tool({ name: 'first', input: {} }, () => 1);
  assert.deepEqual(interfaces(), ['tool']);
  resource({ uri: 'notes:///first' }, () => 'x');
  prompt({ name: 'first' }, () => 'x');
  assert.deepEqual(interfaces(), ['tool', 'resources', 'prompts']);
  prompt({ name: 'completed', complete: { a: [] } }, () => 'x');
  filter({
    before: ({ name, arguments: args }) => {
      if (name === 'rm') return { refuse: 'no' };
      return args.secret ? { arguments: { secret: '***' } } : undefined;
    },
    after: ({ name, role }, result) => {
      if (name === 'secret') return { withhold: `not for ${role}` };
      return result.isError ? { result: { content: [] } } : undefined;
    },
  });
  assert.deepEqual(interfaces(), ['tool', 'resources', 'prompts', 'completions', 'filter']);
});

test('a tool is listed with what was read and what was written', () => {
  const parameters = [{ name: 'a', schema: { type: 'number' }, isRequired: true }, { name: 'b', schema: {}, isRequired: false }];
  const options = { title: 'Sum', annotations: { readOnly: true }, parameters: { a: { minimum: 1 } } };
  tool(options, function sum(a, b = 2) { return a + b; }, { name: 'sum', description: 'Add.', parameters });
  const definition = component.tool.listTools().find(({ name }) => name === 'sum');
  const schema = { type: 'object', properties: { a: { type: 'number', minimum: 1 }, b: {} }, required: ['a'], additionalProperties: false };
  assert.deepEqual(JSON.parse(definition.inputSchema), schema);
  assert.deepEqual([definition.title, definition.description, definition.outputSchema], ['Sum', 'Add.', null]);
  assert.deepEqual(definition.annotations, { readOnly: true, destructive: null, idempotent: null, openWorld: null });
  assert.equal(call('sum', { a: 3 }).content[0].val.text, '5');
  assert.equal(call('sum', { a: 3, b: 4 }).content[0].val.text, '7');
});

test('the short form of a schema says what may be left out', () => {
  tool({ name: 'short', input: { text: 'string', 'lines?': { type: 'integer' } }, output: { type: 'object' } }, () => ({}));
  const { inputSchema, outputSchema } = component.tool.listTools().find(({ name }) => name === 'short');
  const properties = { text: { type: 'string' }, lines: { type: 'integer' } };
  assert.deepEqual(JSON.parse(inputSchema), { type: 'object', properties, required: ['text'], additionalProperties: false });
  assert.deepEqual(JSON.parse(outputSchema), { type: 'object', properties: {} });
});

test('what a tool returns becomes a result', () => {
  const texts = (run) => result(run).content.map(({ val }) => val.text);
  assert.deepEqual(texts(() => 'x'), ['x']);
  assert.deepEqual(texts(() => 10n), ['10']);
  assert.deepEqual(texts(() => null), ['null']);
  assert.deepEqual(texts(() => undefined), []);
  assert.deepEqual(texts(() => [1, 2]), ['[1,2]']);
  assert.deepEqual(texts(() => []), ['[]']);
  assert.deepEqual(texts(() => text('y')), ['y']);
  assert.deepEqual(texts(() => [text('y'), text('z')]), ['y', 'z']);
  assert.equal(result(() => [1]).structured, null);
  assert.equal(result(() => ({ a: 1 })).structured, '{"a":1}');
  const full = result(() => ({ content: [text('no')], structured: { b: 1 }, isError: true }));
  assert.deepEqual([full.content[0].val.text, full.structured, full.isError], ['no', '{"b":1}', true]);
});

test('content has the shape that WIT wants', () => {
  const bytes = Uint8Array.of(1);
  const hints = { audience: ['user'], priority: 0.5 };
  const pieces = [text('t', hints), image(bytes, 'image/png'), link({ uri: 'a:b' }), embedded({ uri: 'c:d', blob: bytes })];
  const { content } = result(() => pieces);
  const none = { title: null, description: null, mimeType: null, size: null, annotations: null };
  assert.deepEqual(content, [
    { tag: 'text', val: { text: 't', annotations: { audience: ['user'], priority: 0.5, lastModified: null } } },
    { tag: 'image', val: { data: bytes, mimeType: 'image/png', annotations: null } },
    { tag: 'resource-link', val: { uri: 'a:b', name: 'a:b', ...none } },
    { tag: 'embedded-resource', val: { uri: 'c:d', mimeType: null, body: { tag: 'blob', val: bytes }, annotations: null } },
  ]);
});

test('what a tool throws is for the model to read', () => {
  const message = (error) => {
    const { content, isError } = result(() => {
      throw error;
    });
    assert.equal(isError, true);
    return content[0].val.text;
  };
  assert.equal(message(new ToolError('there is no such city')), 'there is no such city');
  assert.equal(message(new CallError('denied', 'not granted')), 'not granted');
  assert.equal(message(new TypeError('x is null')), 'TypeError: x is null');
  assert.equal(message('a text'), 'a text');
  const invalid = new ToolError('a is too large', { code: 'invalid-arguments' });
  assert.deepEqual(thrown(() => result(() => { throw invalid; })), { tag: 'invalid-arguments', val: 'a is too large' });
  assert.deepEqual(thrown(() => result(() => { throw new CallError('cancelled', '') })), { tag: 'cancelled' });
  assert.deepEqual(thrown(() => call('unknown')), { tag: 'unknown-tool', val: 'unknown' });
});

test('resources are read by address and by template', () => {
  resource({ uri: 'notes:///all', name: 'all', mimeType: 'text/plain' }, () => 'everything');
  resourceTemplate({ uriTemplate: 'notes:///{year}/{+path}' }, ({ year, path }, uri) => {
    if (year === '1999') return undefined;
    return path === 'raw' ? Uint8Array.of(2) : { text: `${year} ${path}`, uri: `${uri}#1`, mimeType: 'a/b' };
  });
  const read = (uri) => component.resources.readResource(uri);
  assert.deepEqual(read('notes:///all'), [{ uri: 'notes:///all', mimeType: 'text/plain', body: { tag: 'text', val: 'everything' } }]);
  const body = { tag: 'text', val: '2026 a b/c' };
  assert.deepEqual(read('notes:///2026/a%20b/c'), [{ uri: 'notes:///2026/a%20b/c#1', mimeType: 'a/b', body }]);
  assert.deepEqual(read('notes:///2026/raw')[0].body, { tag: 'blob', val: Uint8Array.of(2) });
  for (const uri of ['notes:///1999/a', 'notes:///2026', 'other:///2026/a', 'notes:///%/a']) {
    assert.deepEqual(thrown(() => read(uri)), { tag: 'not-found' }, uri);
  }
  assert.throws(() => resourceTemplate({ uriTemplate: 'a:{?b}' }, () => ''), /\{\?b\} is not understood/);
});

test('prompts are filled and completed', () => {
  const languages = ['javascript', 'java', 'rust'];
  const complete = { language: languages, file: (typed, { language }) => [`${typed}.${language}`] };
  const options = { name: 'review', arguments: { code: 'what', 'language?': {} , 'file?': {} }, complete };
  prompt(options, ({ code }) => [`Review ${code}`, { role: 'assistant', content: 'Yes' }]);
  const { arguments: listed } = component.prompts.listPrompts().find(({ name }) => name === 'review');
  assert.deepEqual(listed[0], { name: 'code', title: null, description: 'what', required: true });
  assert.equal(listed[1].required, false);
  const { messages } = component.prompts.getPrompt('review', [{ name: 'code', value: 'x' }]);
  assert.deepEqual(messages.map(({ role, content }) => [role, content.val.text]), [['user', 'Review x'], ['assistant', 'Yes']]);
  const complete2 = (name, value, context = []) => component.completions.completePrompt('review', { name, value }, context).values;
  assert.deepEqual(complete2('language', 'java'), ['javascript', 'java']);
  assert.deepEqual(complete2('file', 'a', [{ name: 'language', value: 'rust' }]), ['a.rust']);
  assert.deepEqual(complete2('code', ''), []);
  assert.deepEqual(thrown(() => component.prompts.getPrompt('unknown', [])), { tag: 'not-found' });
});

test('a filter proceeds, rewrites and refuses', () => {
  const before = (name, args = '{}') => component.filter.before({ name, arguments: args, role: null });
  assert.deepEqual(before('ls'), { tag: 'proceed' });
  assert.deepEqual(before('rm'), { tag: 'refuse', val: 'no' });
  assert.deepEqual(before('ls', '{"secret":"x"}'), { tag: 'rewrite', val: '{"secret":"***"}' });
  const after = (name, result) => component.filter.after({ name, arguments: '{}', role: 'guest' }, result);
  assert.deepEqual(after('ls', '{"content":[]}'), { tag: 'keep' });
  assert.deepEqual(after('secret', '{}'), { tag: 'withhold', val: 'not for guest' });
  assert.deepEqual(after('ls', '{"isError":true}'), { tag: 'replace', val: '{"content":[]}' });
});

test('declarations that cannot be meant are refused', () => {
  assert.throws(() => tool({ name: 'first', input: {} }, () => 1), /two tools are called first/);
  assert.throws(() => tool({}), /write tool\(function\)/);
  assert.throws(() => tool({ input: {} }, () => 1), /a function without a name needs one/);
  assert.throws(() => filter({ before() {} }), /a plugin has one/);
});

test('outside of the gateway there is a store, and nobody to ask', () => {
  store.set('a', { b: 1 });
  assert.deepEqual(store.get('a'), { b: 1 });
  assert.equal(store.increment('n'), 1);
  assert.equal(store.increment('n', 2), 3);
  assert.deepEqual([store.keys(), store.has('a'), store.get('x')], [['a', 'n'], true, undefined]);
  store.delete('a');
  assert.equal(store.has('a'), false);
  store.set('text', 'x');
  assert.throws(() => store.increment('text'), { name: 'StoreError', code: 'other' });
  assert.deepEqual(config(), {});
  assert.throws(() => callTool('a__b'), { name: 'CallError', code: 'failed', message: 'a__b cannot be called outside of the gateway' });
  assert.throws(() => elicit('?', {}), { code: 'unsupported' });
});
