"""Logs in to the suite's servers with the Python SDK alone: what a client passes that does everything right."""

import urllib.error
import urllib.parse
import urllib.request
from contextlib import asynccontextmanager

import httpx2
from mcp.client.auth import AuthorizationCodeResult, OAuthClientProvider
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import OAuthClientInformationFull, OAuthClientMetadata

CALLBACK = "http://127.0.0.1:1/callback"
# The one that the suite's issuer takes for a client that is known by a document.
DOCUMENT = "https://conformance-test.local/client-metadata.json"


class Kept:
    """Tokens and registration, for as long as this runs."""

    tokens = None
    client = None

    async def get_tokens(self):
        return self.tokens

    async def set_tokens(self, tokens):
        self.tokens = tokens

    async def get_client_info(self):
        return self.client

    async def set_client_info(self, client):
        self.client = client


class Stay(urllib.request.HTTPRedirectHandler):
    """The callback is read from the redirect, and nobody listens there."""

    def redirect_request(self, request, file, code, message, headers, url):
        if url.startswith(CALLBACK):
            return None
        return super().redirect_request(request, file, code, message, headers, url)


@asynccontextmanager
async def logged_in(url: str, known: dict[str, str]):
    """A connection to a server that wants a login; `known`: the client that was registered beforehand, if there is one."""
    answer = {}

    async def browse(page: str) -> None:
        try:
            urllib.request.build_opener(Stay).open(page)
        except urllib.error.HTTPError as redirect:
            answer.update(urllib.parse.parse_qsl(urllib.parse.urlsplit(redirect.headers["location"]).query))

    async def come_back() -> AuthorizationCodeResult:
        return AuthorizationCodeResult(code=answer["code"], state=answer.get("state"), iss=answer.get("iss"))

    about = OAuthClientMetadata(
        client_name="conformance",
        redirect_uris=[CALLBACK],
        grant_types=["authorization_code", "refresh_token"],
        response_types=["code"],
    )
    kept = Kept()
    if known:
        method = "client_secret_basic"
        kept.client = OAuthClientInformationFull(**known, redirect_uris=[CALLBACK], token_endpoint_auth_method=method)
    login = OAuthClientProvider(url, about, kept, browse, come_back, client_metadata_url=DOCUMENT)
    async with httpx2.AsyncClient(auth=login) as http, streamable_http_client(url, http_client=http) as streams:
        yield streams
