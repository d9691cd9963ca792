"""A server of the official Python SDK that offers everything the protocol has, in both eras: what the matrix runs against.

`--transport stdio`, or `http` or `sse`, which print their address on standard output once they listen.
"""

import argparse
import asyncio
import socket
import warnings
from typing import Annotated, Any

import anyio
import mcp.types as types
import uvicorn
from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.mcpserver.resolve import Elicit, ListRoots, Resolve, Sample
from mcp.shared.exceptions import MCPDeprecationWarning
from pydantic import BaseModel

# What the revision of 2026 has done away with is served on purpose.
warnings.simplefilter("ignore", MCPDeprecationWarning)

LEVELS = ["debug", "info", "notice", "warning", "error", "critical", "alert", "emergency"]
PIXEL = b"\x89PNG\r\n\x1a\n\x00\xff\xfe"
LANGUAGES = ["python", "prolog", "rust", "ruby"]
PEOPLE = ["ada", "alan", "grace"]

server = MCPServer(
    "fastmcp", title="All of FastMCP", version="1.2.3", instructions="Ask for anything.", log_level="WARNING"
)


# Plain calls.


class Weather(BaseModel):
    """What it is like outside."""

    city: str
    degrees: float
    conditions: list[str]


@server.tool(annotations=types.ToolAnnotations(read_only_hint=True, idempotent_hint=True))
def echo(text: str) -> str:
    """Say the same."""
    return text


@server.tool(title="Weather of a city")
def weather(city: str) -> Weather:
    """Answers in a structure."""
    return Weather(city=city, degrees=-3.5, conditions=["snow", "wind"])


@server.tool(structured_output=False)
def mixed() -> list[Any]:
    """Answers in every kind of content."""
    return [
        types.TextContent(type="text", text="text: żółć 🦀", annotations=types.Annotations(audience=["user"], priority=0.5)),
        types.ImageContent(type="image", data="iVBORw0KGgo=", mime_type="image/png"),
        types.AudioContent(type="audio", data="UklGRg==", mime_type="audio/wav"),
        types.ResourceLink(type="resource_link", uri="note://welcome", name="welcome", mime_type="text/plain"),
        types.EmbeddedResource(
            type="resource", resource=types.TextResourceContents(uri="note://embedded", text="inside", mime_type="text/plain")
        ),
    ]


@server.tool()
def fail(reason: str) -> str:
    """Fails."""
    raise ToolError(reason)


# Progress, cancellation, logging.


@server.tool()
async def steps(count: int, ctx: Context) -> str:
    """Reports as many steps."""
    for step in range(1, count + 1):
        await ctx.report_progress(step, count, f"step {step}")
    return f"{count} steps"


cancelled: dict[str, anyio.Event] = {}


@server.tool()
async def slow(key: str, ctx: Context) -> str:
    """Reports that it has begun, and waits to be cancelled."""
    event = cancelled.setdefault(key, anyio.Event())
    try:
        await ctx.report_progress(0, 1, "begun")
        await anyio.sleep(60)
    except anyio.get_cancelled_exc_class():
        event.set()
        raise
    return "nobody cancelled this"


@server.tool()
async def was_cancelled(key: str) -> str:
    """Answers once the call of `slow` with this key is cancelled."""
    with anyio.move_on_after(20):
        await cancelled.setdefault(key, anyio.Event()).wait()
        return "cancelled"
    return "not cancelled"


def state(session: Any) -> dict[str, Any]:
    # What a connection keeps; the SDK has no public way to it from a session.
    return session._connection.state


@server.tool()
async def chatter(ctx: Context) -> str:
    """Logs once at each level; those that the client has asked for are sent."""
    least = LEVELS.index(state(ctx.session).get("level", "debug"))
    for level in LEVELS[least:]:
        await ctx.log(level, {"said": f"at {level}"}, logger_name="chatter")
    return "said"


async def set_level(ctx: Any, params: types.SetLevelRequestParams) -> types.EmptyResult:
    state(ctx.session)["level"] = params.level
    return types.EmptyResult()


# What is asked of the client.


class Name(BaseModel):
    """A name."""

    name: str
    color: str = "green"


class Sure(BaseModel):
    """Whether to go on."""

    sure: bool


async def sampled(prompt: str) -> Sample:
    question = types.SamplingMessage(role="user", content=types.TextContent(type="text", text=prompt))
    return Sample([question], max_tokens=50, system_prompt="Be brief.", temperature=0.5, stop_sequences=["\n"])


async def asked(question: str) -> Elicit[Name]:
    return Elicit(question, Name)


async def confirmed(name: Annotated[Name, Resolve(asked)]) -> Elicit[Sure]:
    return Elicit(f"Is {name.name} right?", Sure)


async def listed() -> ListRoots:
    return ListRoots()


@server.tool()
async def sample(prompt: str, answer: Annotated[types.CreateMessageResult, Resolve(sampled)]) -> str:
    """Lets the client's model answer."""
    return answer.model_dump_json(by_alias=True, exclude_none=True)


@server.tool()
async def elicit(question: str, name: Annotated[Name, Resolve(asked)]) -> str:
    """Asks the user."""
    return f"{name.name} likes {name.color}"


@server.tool()
async def elicit_twice(
    question: str, name: Annotated[Name, Resolve(asked)], sure: Annotated[Sure, Resolve(confirmed)]
) -> str:
    """Asks the user, and asks again about the answer."""
    return f"{name.name}: {sure.sure}"


@server.tool()
async def roots(folders: Annotated[types.ListRootsResult, Resolve(listed)]) -> list[str]:
    """Lists the client's roots."""
    return [f"{root.name}: {root.uri}" for root in folders.roots]


# Resources, templates, subscriptions.


@server.resource("note://welcome", title="Welcome", mime_type="text/plain")
def welcome() -> str:
    """A note."""
    return "Welcome: żółć 🦀"


@server.resource("note://pixel", mime_type="image/png")
def pixel() -> bytes:
    """A picture, more or less."""
    return PIXEL


@server.resource("note://people/{name}", title="People", mime_type="application/json")
def person(name: str) -> str:
    """About a person."""
    return f'{{"name": "{name}"}}'


subscribed: dict[str, dict[Any, Any]] = {}


async def subscribe(ctx: Any, params: types.SubscribeRequestParams) -> types.EmptyResult:
    sessions = subscribed.setdefault(params.uri, {})
    connection = ctx.session._connection
    sessions[connection] = ctx.session
    connection.exit_stack.callback(sessions.pop, connection, None)
    return types.EmptyResult()


async def unsubscribe(ctx: Any, params: types.UnsubscribeRequestParams) -> types.EmptyResult:
    subscribed.get(params.uri, {}).pop(ctx.session._connection, None)
    return types.EmptyResult()


@server.tool()
async def touch(uri: str, ctx: Context) -> str:
    """Tells all who have subscribed to a resource that it has changed."""
    for session in list(subscribed.get(uri, {}).values()):
        await session.send_resource_updated(uri)
    await ctx.notify_resource_updated(uri)
    return "touched"


@server.tool()
async def grow(name: str, ctx: Context) -> str:
    """Adds a tool."""

    def grown() -> str:
        return "grown"

    server.add_tool(grown, name=name, description="Was not there before.")
    await ctx.session.send_tool_list_changed()
    await ctx.notify_tools_changed()
    return "grown"


@server.tool()
async def shrink(name: str, ctx: Context) -> str:
    """Removes it again."""
    server.remove_tool(name)
    await ctx.session.send_tool_list_changed()
    await ctx.notify_tools_changed()
    return "shrunk"


# Prompts and completion.


@server.prompt(title="Review of code")
def review(language: str, code: str = "fn main() {}") -> list[Any]:
    """Asks for a review."""
    return [
        {"role": "user", "content": f"Review this {language}: {code}"},
        {"role": "assistant", "content": "Gladly."},
    ]


@server.completion()
async def complete(ref: Any, argument: Any, context: Any) -> types.Completion | None:
    values = {"language": LANGUAGES, "name": PEOPLE}.get(argument.name, [])
    if context and context.arguments and context.arguments.get("upper"):
        values = [value.upper() for value in values]
    found = [value for value in values if value.lower().startswith(argument.value.lower())]
    return types.Completion(values=found, total=len(found), has_more=False)


def low_level() -> None:
    # What FastMCP has no decorator for.
    inner = server._lowlevel_server
    inner.add_request_handler("resources/subscribe", types.SubscribeRequestParams, subscribe)
    inner.add_request_handler("resources/unsubscribe", types.UnsubscribeRequestParams, unsubscribe)
    inner.add_request_handler("logging/setLevel", types.SetLevelRequestParams, set_level)


async def listen(app: Any, path: str) -> None:
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(128)
    # Whoever connects from now on is served.
    print(f"http://127.0.0.1:{listener.getsockname()[1]}{path}", flush=True)
    config = uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=1)
    await uvicorn.Server(config).serve(sockets=[listener])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--transport", choices=["stdio", "http", "sse"], default="stdio")
    transport = parser.parse_args().transport
    low_level()
    if transport == "stdio":
        server.run("stdio")
    elif transport == "http":
        asyncio.run(listen(server.streamable_http_app(), "/mcp"))
    else:
        asyncio.run(listen(server.sse_app(), "/sse"))


main()
