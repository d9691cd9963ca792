"""A server with all kinds of habits. The first argument says how it starts, each tool has a habit of its own."""
import json
import os
import signal
import subprocess
import sys
import time

mode = sys.argv[1] if len(sys.argv) > 1 else "plain"
started = os.environ.get("STARTED")
if started:
    with open(started, "a") as log:
        log.write(f"{os.getpid()}\n")

tools = ["add", "pid", "hold", "release", "crash", "mute", "garbage", "progress", "grow", "ask", "seen", "family", "fail"]
held, seen, asked = [], [], {}


def send(**message):
    sys.stdout.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
    sys.stdout.flush()


def answer(id, value):
    send(id=id, result={"content": [], "structuredContent": value})


def definitions():
    return [{"name": name, "inputSchema": {"type": "object"}, "x-odd": 1.50} for name in tools]


def family():
    """A child that ignores SIGTERM, and one that leaves the group; both hold every file of this process."""
    stubborn = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('ready', flush=True); time.sleep(600)"
    one = subprocess.Popen([sys.executable, "-c", stubborn], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, close_fds=False)
    one.stdout.readline()
    two = subprocess.Popen(["sleep", "600"], start_new_session=True, close_fds=False, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    return [one.pid, two.pid]


def call(id, params):
    name = params["name"]
    if name == "add":
        answer(id, {"params": params})
    elif name == "pid":
        answer(id, os.getpid())
    elif name == "hold":
        held.append(id)
    elif name == "release":
        for other in held:
            answer(other, "released")
        held.clear()
        answer(id, None)
    elif name == "crash":
        print("Fatal: the disk is on fire", file=sys.stderr, flush=True)
        os._exit(3)
    elif name == "garbage":
        print("Listening on nothing...\n[1,\n{}", flush=True)
        send(id=4711, result={})
        send(id=str(id), result={"content": []})
    elif name == "progress":
        for at in range(3):
            send(method="notifications/progress", params={"progressToken": params["_meta"]["progressToken"], "progress": at})
        answer(id, params["_meta"].get("trace"))
    elif name == "grow":
        tools.append("more")
        send(method="notifications/tools/list_changed")
        answer(id, None)
    elif name == "ask":
        asked["q"] = id
        send(id="q", method="roots/list")
    elif name == "seen":
        answer(id, seen)
    elif name == "family":
        answer(id, family())
    elif name == "fail":
        send(id=id, error={"code": -32602, "message": "no", "data": [1.50]})


def handle(message):
    method, id = message.get("method"), message.get("id")
    if method == "initialize":
        if mode == "mute":
            return
        seen.append(message["params"])
        send(method="notifications/message", params={"level": "info", "data": "early"})
        version = "2024-11-05" if mode == "old" else message["params"]["protocolVersion"]
        send(id=id, result={"protocolVersion": version, "capabilities": {"tools": {}}, "serverInfo": {"name": "s", "version": "0"}})
    elif method == "tools/list":
        if mode == "pages":
            at = int((message.get("params") or {}).get("cursor", 0))
            # The last page points back to itself.
            return send(id=id, result={"tools": definitions()[at : at + 1], "nextCursor": str(min(at + 1, 2))})
        send(id=id, result={"tools": definitions()})
    elif method == "tools/call":
        call(id, message["params"])
    elif method is None and id in asked:
        answer(asked.pop(id), {key: message[key] for key in ("result", "error") if key in message})
    elif id is not None:
        send(id=id, error={"code": -32601, "message": "Method not found"})
    else:
        seen.append({"method": method, "params": message.get("params")})


if mode == "broken":
    print("Traceback (most recent call last):\nModuleNotFoundError: No module named 'missing'", file=sys.stderr)
    print(f"the key is {os.environ['API_KEY']}", file=sys.stderr)
    sys.exit(1)
if mode == "stubborn":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
for line in sys.stdin:
    handle(json.loads(line))
if mode == "stubborn":
    time.sleep(600)
