// Everything that the SDK has, in TypeScript.

import {
  CallError,
  ToolError,
  callTool,
  config,
  elicit,
  filter,
  image,
  log,
  progress,
  prompt,
  resource,
  resourceTemplate,
  store,
  text,
  tool,
} from 'gateway-sdk';
import { fetch } from 'gateway-sdk/http';
// @ts-ignore: it has no types
import shout from 'shouting';

let calls = 0;

/** Shout with a library from elsewhere. */
tool(
  { title: 'Shout' },
  function loud(
    /** what */
    words: string,
    /** how often */
    times = 1,
  ) {
    return shout(words, times);
  },
);

tool({ name: 'waits', input: {} }, async () => {
  const order: string[] = [];
  const later = (name: string, delay: number) =>
    new Promise<void>((resolve) => setTimeout(() => (order.push(name), resolve()), delay));
  const all = Promise.all([later('second', 2), later('first', 1)]);
  order.push(await Promise.resolve('now'));
  await all;
  try {
    await Promise.reject(new Error('caught'));
  } catch (error) {
    order.push((error as Error).message);
  }
  for await (const number of (async function* () {
    yield 1;
    yield 2;
  })()) order.push(String(number));
  return order.join(' ');
});

tool({ name: 'random', input: {} }, () => `${Math.random()} ${crypto.randomUUID()}`);
tool({ name: 'count', input: {} }, () => ++calls);
tool({ name: 'config', input: {} }, () => config());
tool({ name: 'picture', input: {} }, () => [text('a dot', { audience: ['user'] }), image(Uint8Array.of(1, 2), 'image/png')]);

tool({ name: 'fails', input: { how: 'string' } }, ({ how }) => {
  if (how === 'bug') return (null as any).length;
  if (how === 'invalid') throw new ToolError('how is wrong', { code: 'invalid-arguments' });
  if (how === 'never') return new Promise(() => {});
  throw new ToolError(`it was ${how}`);
});

tool({ name: 'asks', input: { url: 'string', 'body?': 'string' } }, async ({ url, body }) => {
  const response = await fetch(url, { method: body === undefined ? 'GET' : 'POST', headers: { 'X-Own': 'x' }, body });
  const type = response.headers.get('content-type');
  return { status: response.status, type, answer: type === 'application/json' ? await response.json() : await response.text() };
});

tool({ name: 'nested', input: { tool: 'string' } }, ({ tool }) => {
  try {
    return callTool(tool, { a: 2, b: 3 }).text;
  } catch (error) {
    return `${(error as CallError).code}: ${(error as CallError).message}`;
  }
});

tool({ name: 'reports', input: {} }, () => {
  progress(1, 2, 'half');
  log.warning('from the plugin');
  console.log('by console', { a: 1 });
});

tool({ name: 'remembers', input: { key: 'string', 'value?': {} } }, ({ key, value }) => {
  const old = store.get(key);
  if (value !== undefined) store.set(key, value);
  return { old, keys: store.keys(), visits: store.increment('visits') };
});

tool({ name: 'question', input: {} }, () => elicit('Your name?', { type: 'object', properties: { name: { type: 'string' } } }));

prompt(
  { complete: { language: ['javascript', 'java', 'rust'] } },
  /** Review some code. */
  function review(
    /** what to review */
    code: string,
    language?: string,
  ) {
    return [`Review this ${language ?? 'code'}: ${code}`, { role: 'assistant' as const, content: 'Gladly' }];
  },
);

resource({ uri: 'kitchen:///menu', name: 'menu', mimeType: 'text/plain' }, () => 'soup');
resourceTemplate({ uriTemplate: 'kitchen:///{dish}/recipe', complete: { dish: ['soup', 'salad'] } }, ({ dish }) =>
  dish === 'soup' ? { text: 'boil it', mimeType: 'text/plain' } : undefined,
);

filter({
  before({ name, arguments: args }) {
    if (args.a === 13) return { refuse: `${name} brings bad luck` };
    return args.a === 12 ? { arguments: { ...args, a: 14 } } : undefined;
  },
});
