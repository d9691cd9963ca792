"""The official Python client, which tries the revision without a handshake first, against the gateway given: prints what
it saw as JSON."""

import asyncio
import json
import os
import sys

import mcp
from mcp import types
from mcp.client.stdio import StdioServerParameters


async def main() -> None:
    progress: list[float] = []

    async def elicit(context, params):
        return types.ElicitResult(action="accept", content={"which": "this"})

    async def on_progress(done: float, total: float | None, message: str | None) -> None:
        progress.append(done)

    server = StdioServerParameters(command=sys.argv[1], args=["stdio"], env=dict(os.environ))
    async with mcp.Client(server, mode="auto", elicitation_callback=elicit, cache=None) as client:
        seen = {"version": client.protocol_version}
        await client.call_tool("_fake_connect", {})
        seen["echo"] = (await client.call_tool("fake__echo", {"text": "hi"})).content[0].text
        question = {"method": "elicitation/create", "params": {"message": "Which?", "requestedSchema": {"type": "object", "properties": {}}}}
        seen["elicited"] = json.loads((await client.call_tool("fake__ask", question)).content[0].text)
        seen["resource"] = (await client.read_resource("memo://one")).contents[0].text
        seen["prompt"] = (await client.get_prompt("fake__hello")).messages[0].content.text
        await client.call_tool("fake__progress", {"steps": 3}, progress_callback=on_progress)
        seen["progress"] = progress
    print(json.dumps(seen))


asyncio.run(main())
