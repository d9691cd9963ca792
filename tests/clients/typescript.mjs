// The official TypeScript client against the server whose command line is given: prints what it saw as JSON.
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import {
  CallToolResultSchema,
  CreateMessageRequestSchema,
  ProgressNotificationSchema,
  ToolListChangedNotificationSchema,
} from "@modelcontextprotocol/sdk/types.js";

const [command, ...args] = process.argv.slice(2);
const client = new Client(
  { name: "gateway-tests-typescript", version: "1" },
  { capabilities: { sampling: {} } },
);
client.setRequestHandler(CreateMessageRequestSchema, () => ({
  role: "assistant",
  model: "none",
  content: { type: "text", text: "sampled by the client" },
}));
const told = new Promise((resolve) => {
  client.setNotificationHandler(ToolListChangedNotificationSchema, () => resolve(true));
});
const transport = new StdioClientTransport({ command, args, env: process.env });
const version = new Promise((resolve) => {
  transport.setProtocolVersion = resolve;
});
await client.connect(transport);

const names = async () => (await client.listTools()).tools.map((tool) => tool.name);
const call = (name, args = {}) => client.callTool({ name, arguments: args });
const seen = { server: client.getServerVersion(), version: await version };
await client.ping();
seen.pinged = true;
seen.before = await names();
seen.sum = await call("calculator__add", { a: 40, b: 2 });
seen.echo = await call("fake__echo", { text: "through the gateway" });
seen.told = await told;
seen.after = await names();
seen.failed = await call("fake__fail");
seen.unknown = await call("no_such_tool").catch(({ code, message }) => ({ code, message }));
seen.structured = await call("everything__get-structured-content", { location: "Chicago" });
seen.image = await call("everything__get-tiny-image");
// With a handler of our own: the client's `onprogress` is gone when the answer comes, and so misses what came just before.
seen.progress = [];
client.setNotificationHandler(ProgressNotificationSchema, ({ params }) => {
  if (params.progressToken === "twenty") seen.progress.push(params.progress);
});
const twenty = { name: "fake__progress", arguments: { steps: 20 }, _meta: { progressToken: "twenty" } };
await client.request({ method: "tools/call", params: twenty }, CallToolResultSchema);
const sampled = await call("fake__ask", {
  method: "sampling/createMessage",
  params: { messages: [{ role: "user", content: { type: "text", text: "?" } }], maxTokens: 9 },
});
seen.sampled = JSON.parse(sampled.content[0].text).content.text;
await client.close();
console.log(JSON.stringify(seen));
