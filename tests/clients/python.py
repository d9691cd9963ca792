"""The official Python client against the server whose command line is given: prints what it saw as JSON."""

import asyncio
import json
import os
import sys

import mcp
from mcp import types
from mcp.client.stdio import StdioServerParameters


async def main() -> None:
    command, *args = sys.argv[1:]
    told = asyncio.Event()
    progress: list[float] = []

    async def sample(context, params):
        return types.CreateMessageResult(
            role="assistant", model="none", content=types.TextContent(type="text", text="sampled by the client")
        )

    async def on_message(message) -> None:
        if "ToolListChanged" in type(getattr(message, "root", message)).__name__:
            told.set()

    async def on_progress(done: float, total: float | None, message: str | None) -> None:
        progress.append(done)

    server = StdioServerParameters(command=command, args=args, env=dict(os.environ))
    async with mcp.Client(server, mode="legacy", sampling_callback=sample, message_handler=on_message, cache=None) as client:

        async def names():
            return [tool.name for tool in (await client.list_tools()).tools]

        async def call(name, arguments=None, **options):
            result = await client.call_tool(name, arguments or {}, **options)
            return result.model_dump(mode="json", by_alias=True, exclude_none=True)

        seen = {"server": client.server_info.model_dump(mode="json"), "version": client.protocol_version}
        await client.send_ping()
        seen["pinged"] = True
        seen["before"] = await names()
        seen["sum"] = await call("calculator__add", {"a": 40, "b": 2})
        seen["echo"] = await call("fake__echo", {"text": "through the gateway"})
        await told.wait()
        seen["told"] = True
        seen["after"] = await names()
        seen["failed"] = await call("fake__fail")
        try:
            await client.call_tool("no_such_tool", {})
        except mcp.MCPError as error:
            seen["unknown"] = {"code": error.error.code, "message": error.error.message}
        seen["structured"] = await call("everything__get-structured-content", {"location": "Chicago"})
        seen["image"] = await call("everything__get-tiny-image")
        await call("fake__progress", {"steps": 20}, progress_callback=on_progress)
        seen["progress"] = progress
        question = {"messages": [{"role": "user", "content": {"type": "text", "text": "?"}}], "maxTokens": 9}
        sampled = await call("fake__ask", {"method": "sampling/createMessage", "params": question})
        seen["sampled"] = json.loads(sampled["content"][0]["text"])["content"]["text"]
    print(json.dumps(seen))


asyncio.run(main())
