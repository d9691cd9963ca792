// Requests by Node's own `fetch`, for unit tests.

/**
 * @param {import('../inside/exchange.d.ts').Request} request
 * @returns {Promise<import('../inside/exchange.d.ts').Answer>}
 */
export async function send({ method, scheme, authority, path, headers, body }) {
  const init = { method, headers, body: body && Uint8Array.from(body) };
  const response = await globalThis.fetch(`${scheme}://${authority}${path}`, init);
  return {
    status: response.status,
    headers: [...response.headers],
    read: async () => new Uint8Array(await response.arrayBuffer()),
  };
}
