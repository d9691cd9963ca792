// The official TypeScript client against a gateway with meta-tools: prints what it saw as JSON.
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { ToolListChangedNotificationSchema } from "@modelcontextprotocol/sdk/types.js";

const [command, ...args] = process.argv.slice(2);
const client = new Client({ name: "gateway-tests-meta", version: "1" }, { capabilities: {} });
const told = new Promise((resolve) => {
  client.setNotificationHandler(ToolListChangedNotificationSchema, () => resolve(true));
});
await client.connect(new StdioClientTransport({ command, args, env: process.env }));

const names = async () => (await client.listTools()).tools.map((tool) => tool.name);
const call = (name, args = {}) => client.callTool({ name, arguments: args });
const seen = { before: await names() };
const search = { query: "add two numbers", schemas: true, limit: 3 };
seen.found = (await call("gateway_search_tools", search)).structuredContent;
const { server, tool } = seen.found.matches[0];
seen.sum = await call("gateway_invoke", { server, tool, arguments: { a: 40, b: 2 } });
seen.wrong = await call("gateway_invoke", { server, tool, arguments: { a: 40 } });
await call("gateway_list_tools", { server: "fake" });
seen.told = await told;
seen.after = await names();
await client.close();
console.log(JSON.stringify(seen));
