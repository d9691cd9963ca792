// The official TypeScript client, which tries all that a server offers and prints what it saw as one JSON document:
//
//   node matrix.mjs PROFILE stdio -- COMMAND ARGS… | http URL | sse URL
//
// PROFILE is an entry of matrix.json. What differs from run to run (ids, times) is left out, so that two documents can be
// compared. Nothing sleeps: what is awaited has a deadline, and what did not come says so in the document.
import { readFile } from "node:fs/promises";
import { createHash, randomUUID } from "node:crypto";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { SSEClientTransport } from "@modelcontextprotocol/sdk/client/sse.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import * as types from "@modelcontextprotocol/sdk/types.js";

const DEADLINE = 10_000;
// So many answers may fail to come before the rest is not tried.
const HOPELESS = 2;

const [profileName, kind, ...target] = process.argv.slice(2);
const profiles = JSON.parse(await readFile(new URL("matrix.json", import.meta.url), "utf8"));
const profile = profiles[profileName];
const key = randomUUID();

// === what is heard ===

const heard = [];
const asked = [];
const listeners = new Set();
const strays = [];

function hear(list, item) {
  list.push(item);
  for (const listener of listeners) listener();
}

// Waits until `found` finds something.
function until(what, found) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => finish(() => reject(new Late(what))), DEADLINE);
    const finish = (end) => {
      clearTimeout(timer);
      listeners.delete(look);
      end();
    };
    const look = () => {
      const value = found();
      if (value) finish(() => resolve(value));
    };
    listeners.add(look);
    look();
  });
}

class Late extends Error {}

const notes = (method, since = 0) => heard.slice(since).filter((note) => note.method === method).map(({ params }) => params);
const logs = (since) => notes("notifications/message", since);

// === what is written down ===

const seen = {};
let late = 0;

// Runs a step under a name; what it throws is written down too.
async function step(name, run) {
  if (late >= HOPELESS) return void (seen[name] = { "not tried": "too much did not come" });
  try {
    seen[name] = clean(await run());
  } catch (error) {
    seen[name] = clean(failure(error));
  }
}

function failure(error) {
  if (error instanceof Late || error?.code === types.ErrorCode.RequestTimeout) {
    late += 1;
    return { "did not come": error.message };
  }
  if (error instanceof types.McpError) return { error: { code: error.code, message: error.message, data: error.data } };
  return { thrown: String(error) };
}

const all = async (table, run) => {
  const results = {};
  for (const [label, item] of Object.entries(table ?? {})) {
    results[label] = late >= HOPELESS ? { "not tried": true } : await run(item).catch(failure);
  }
  return results;
};

function clean(value, name) {
  if (typeof value === "string") return cleanText(name === "blob" ? readable(value) : value);
  if (Array.isArray(value)) return value.map((item) => clean(item));
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, clean(item, name)]));
}

const TIME = /\d{1,2}:\d{2}:\d{2}(\s?[AP]M)?/g;
const SESSION = /[0-9a-f]{8}(-?[0-9a-f]{4}){3}-?[0-9a-f]{12}/g;
// A long text is as good as its digest.
function cleanText(text) {
  const cleaned = text.replace(SESSION, "SESSION").replace(TIME, "TIME");
  if (cleaned.length < 10_000) return cleaned;
  return `${cleaned.length} characters, ${createHash("sha256").update(cleaned).digest("hex").slice(0, 12)}`;
}

// A blob, readable where it tells the time.
function readable(blob) {
  const text = Buffer.from(blob, "base64").toString("utf8");
  return text.search(TIME) < 0 ? blob : `base64 of ${text}`;
}

// === the client ===

let roots = [{ uri: "file:///home/ada", name: "home" }];
const client = new Client(
  { name: "matrix-typescript", version: "1" },
  { capabilities: { sampling: {}, elicitation: { form: {} }, roots: { listChanged: true } } },
);
client.onerror = (error) => {
  if (error.message.includes("unknown message ID")) strays.push("an answer to nothing that was asked");
};
const ask = (answer) => (request) => {
  const { _meta, ...params } = request.params ?? {};
  hear(asked, { method: request.method, params });
  return answer(params);
};
client.setRequestHandler(
  types.CreateMessageRequestSchema,
  ask(() => ({ role: "assistant", model: "none", stopReason: "endTurn", content: { type: "text", text: "a crab 🦀" } })),
);
client.setRequestHandler(types.ElicitRequestSchema, ask(({ message, requestedSchema }) => {
  if (message.includes("decline")) return { action: "decline" };
  const known = { name: "Ada", color: "blue", check: true, integer: 7, sure: true };
  const content = Object.entries(known).filter(([name]) => requestedSchema?.properties?.[name]);
  return { action: "accept", content: Object.fromEntries(content) };
}));
client.setRequestHandler(types.ListRootsRequestSchema, ask(() => ({ roots })));

function connection() {
  if (kind === "stdio") {
    const [command, ...args] = target.slice(1);
    return new StdioClientTransport({ command, args, env: process.env });
  }
  const url = new URL(target[0]);
  return kind === "http" ? new StreamableHTTPClientTransport(url) : new SSEClientTransport(url);
}

// Hears what comes in the order in which it comes, whatever the client makes of it.
const transport = connection();
transport.onmessage = (message) => {
  if (message.method !== undefined && message.id === undefined) hear(heard, message);
};
let version;
transport.setProtocolVersion = ((inner) => (revision) => {
  version = revision;
  inner?.call(transport, revision);
})(transport.setProtocolVersion);

const options = { timeout: DEADLINE };
// As the SDK checks it, and as it came.
async function request(method, params, schema) {
  const result = await client.request({ method, params }, types.ResultSchema, options);
  schema.parse(result);
  return result;
}
const lists = {
  tools: ["tools/list", types.ListToolsResultSchema],
  prompts: ["prompts/list", types.ListPromptsResultSchema],
  resources: ["resources/list", types.ListResourcesResultSchema],
  resourceTemplates: ["resources/templates/list", types.ListResourceTemplatesResultSchema],
};
async function list(field) {
  const items = [];
  let cursor;
  do {
    const page = await request(lists[field][0], cursor === undefined ? {} : { cursor }, lists[field][1]);
    items.push(...page[field]);
    cursor = page.nextCursor;
  } while (cursor !== undefined);
  return items;
}
const filled = (args, { uri, next }) =>
  JSON.parse(JSON.stringify(args).replaceAll("$KEY", key).replaceAll("$URI", uri).replaceAll('"$NEXT"', next));
const call = ([name, args], { token, uri, next, ...more } = {}) => {
  const params = { name, arguments: filled(args, { uri, next }), ...(token && { _meta: { progressToken: token } }) };
  return client.callTool(params, undefined, { ...options, ...more });
};
const progress = (token) => notes("notifications/progress").filter((params) => params.progressToken === token);
// The client's own `onprogress` forgets its token before the answer; so the token is ours and the transport is listened to.
client.setNotificationHandler(types.ProgressNotificationSchema, () => {});

await client.connect(transport, options);
seen.protocol = version;
seen.server = client.getServerVersion();
seen.capabilities = client.getServerCapabilities();
seen.instructions = clean(client.getInstructions());
// A gateway that has yet to learn a server's tools offers one that makes it learn them.
await step("placeholder", async () => {
  const placeholder = (await list("tools")).find(({ name }) => /^_.+_connect$/.test(name));
  return placeholder && call([placeholder.name, {}]);
});
if (profile.ready) {
  await step("ready", async () => {
    // Whoever starts a server only when it is called has started it then.
    await call(profile.ready.call);
    return until("log", () => logs().find(({ data }) => data === profile.ready.log));
  });
}
await step("ping", () => client.ping(options));
for (const field of Object.keys(lists)) await step(field, () => list(field));
await step("calls", () => all(profile.calls, call));

await step("progress", async () => {
  const result = await call(profile.progress, { token: "twenty" });
  return { steps: progress("twenty"), result };
});

await step("cancel", async () => {
  const { call: tool, count, begun, seen } = profile.cancel;
  const textOf = ({ content }) => content[0].text;
  const before = count && Number(textOf(await call(count)));
  const abort = new AbortController();
  const running = call(tool, { token: "to cancel", signal: abort.signal });
  const ended = running.then(() => "answered", ({ code, message }) => (abort.signal.aborted ? "cancelled" : { code, message }));
  const started = begun ? call(begun) : until("progress of the call", () => progress("to cancel").length > 0);
  await Promise.race([ended, started]);
  abort.abort("enough");
  const then = seen && textOf(await call(seen, { next: before + 1 }));
  // How many there were before depends on who else was here.
  return { ended: await ended, seen: count ? Number(then) - before : then };
});

await step("asks", () =>
  all(profile.asks, async (tool) => {
    const before = asked.length;
    const result = await call(tool);
    // Roots may have been fetched before.
    const questions = asked.slice(before).filter(({ method }) => method !== "roots/list");
    return { questions, result };
  }),
);
await step("rooted", () => until("question for roots", () => asked.find(({ method }) => method === "roots/list")));

await step("prompt", () =>
  all(profile.prompts, ([name, args]) => request("prompts/get", { name, arguments: args }, types.GetPromptResultSchema)),
);
await step("read", () => all(profile.reads, (uri) => request("resources/read", { uri }, types.ReadResourceResultSchema)));
await step("complete", () =>
  all(profile.completions, ([ref, [name, value], context]) => {
    const params = { ref, argument: { name, value }, ...(context && { context: { arguments: context } }) };
    return request("completion/complete", params, types.CompleteResultSchema);
  }),
);

await step("logging", async () => {
  const { quiet, loud, subscription: uri, calls, last } = profile.logging;
  const before = heard.length;
  const set = await client.setLoggingLevel(quiet, options);
  if (calls) {
    for (const tool of calls) await call(tool);
    await until("last log", () => logs(before).find(({ level }) => level === last));
    await client.setLoggingLevel("debug", options);
  } else {
    await client.subscribeResource({ uri }, options);
    await client.setLoggingLevel(loud, options);
    await client.unsubscribeResource({ uri }, options);
    await until("log", () => logs(before).length > 0);
  }
  return { set, logs: logs(before) };
});

await step("subscription", async () => {
  const { uris, touch, after, again } = profile.subscription;
  const before = heard.length;
  const updates = () => notes("notifications/resources/updated", before);
  const answers = [];
  for (const [index, uri] of uris.entries()) {
    answers.push(await client.subscribeResource({ uri }, options));
    answers.push(await call(touch, { uri }));
    await until(`update of ${uri}`, () => updates().length > index);
    if (after) answers.push(await call(after));
    answers.push(await client.unsubscribeResource({ uri }, options));
    // Nobody has subscribed any more: an update would stand between the two that are expected.
    if (again) await call(touch, { uri });
  }
  return { answers, updates: updates() };
});

if (profile.list_changed) {
  await step("list_changed", async () => {
    const { grow, shrink, tool } = profile.list_changed;
    const changes = () => notes("notifications/tools/list_changed").length;
    const there = async () => (await list("tools")).some(({ name }) => name === tool);
    const before = changes();
    await call(grow);
    const told = until("tools/list_changed", () => changes() > before);
    const result = { grown: await told.then(there), called: await call([tool, {}]) };
    const then = changes();
    await call(shrink);
    await until("tools/list_changed", () => changes() > then);
    return { ...result, shrunk: !(await there()) };
  });
}
if (profile.roots_changed) {
  await step("roots_changed", async () => {
    const before = heard.length;
    roots = [...roots, { uri: "file:///srv", name: "srv" }];
    await client.sendRootsListChanged();
    await until("log", () => logs(before).find(({ data }) => data === profile.roots_changed.log));
    return call(profile.roots_changed.call);
  });
}
await step("unknown tool", () => call(["no-such-tool", {}]));
await step("unknown prompt", () => client.getPrompt({ name: "no-such-prompt" }, options));
await step("unknown resource", () => client.readResource({ uri: "nothing://here" }, options));
await step("unknown method", () => client.request({ method: "vendor/unknown", params: {} }, types.ResultSchema, options));
seen.strays = strays;

if (kind === "http") await step("ended", () => transport.terminateSession());
await client.close();
// An open socket of a front under test must not keep this process.
process.stdout.write(`${JSON.stringify(seen)}\n`, () => process.exit(0));
