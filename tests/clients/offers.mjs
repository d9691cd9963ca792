// The official TypeScript client and what a server offers beside tools: prints what it saw as JSON.
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";

const [command, ...args] = process.argv.slice(2);
const client = new Client({ name: "gateway-tests-offers", version: "1" });
await client.connect(new StdioClientTransport({ command, args, env: process.env }));

const read = async (uri) => (await client.readResource({ uri })).contents[0];
const code = ({ code }) => code;
const complete = async (ref, name, value) =>
  (await client.complete({ ref, argument: { name, value } })).completion.values;

const seen = {};
const { resources } = await client.listResources();
seen.resources = resources.map((resource) => resource.uri);
const { resourceTemplates } = await client.listResourceTemplates();
seen.templates = resourceTemplates.map((template) => template.uriTemplate);
seen.prompts = (await client.listPrompts()).prompts;
seen.text = (await read("library:///rules")).text;
seen.blob = (await read("library:///stamp")).blob;
seen.page = (await read("library:///books/moby-dick/7")).text;
seen.missing = await read("library:///nope").catch(code);
const name = "library__review";
const prompt = await client.getPrompt({ name, arguments: { title: "emma" } });
seen.prompt = prompt.messages[0].content.text;
seen.refused = await client.getPrompt({ name }).catch(code);
seen.ofPrompt = await complete({ type: "ref/prompt", name }, "title", "e");
seen.ofTemplate = await complete({ type: "ref/resource", uri: seen.templates[0] }, "title", "mo");
await client.close();
console.log(JSON.stringify(seen));
