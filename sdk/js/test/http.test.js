import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { after, before, test } from 'node:test';
import { Headers, fetch } from 'gateway-sdk/http';

const server = createServer((request, response) => {
  const parts = [];
  request.on('data', (part) => parts.push(part));
  request.on('end', () => {
    const body = Buffer.concat(parts).toString();
    const { method, url, headers } = request;
    response.writeHead(url === '/missing' ? 404 : 200, { 'content-type': 'application/json', 'x-two': ['a', 'b'] });
    response.end(JSON.stringify({ method, url, type: headers['content-type'], own: headers['x-own'], body }));
  });
});
let origin;
before(async () => {
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  origin = `http://127.0.0.1:${server.address().port}`;
});
after(() => server.close());

test('a request goes out, and its answer comes back', async () => {
  const response = await fetch(`${origin}/a?b=c#d`, { method: 'post', headers: { 'X-Own': '1' }, body: 'ä' });
  assert.deepEqual([response.status, response.ok, response.headers.get('Content-Type')], [200, true, 'application/json']);
  assert.equal(response.headers.get('x-two'), 'a, b');
  const type = 'text/plain;charset=UTF-8';
  assert.deepEqual(await response.json(), { method: 'POST', url: '/a?b=c', type, own: '1', body: 'ä' });
  await assert.rejects(response.text(), /was read before/);
});

test('a status is no error', async () => {
  const { ok, status } = await fetch(`${origin}/missing`);
  assert.deepEqual([ok, status], [false, 404]);
});

test('what is no address is refused', async () => {
  await assert.rejects(fetch('file:///etc/passwd'), /no address of HTTP/);
  await assert.rejects(fetch('http://user:secret@host/'), /no address of HTTP/);
});

test('headers are found without case', () => {
  const headers = new Headers([['A', '1'], ['a', '2']]);
  assert.deepEqual([headers.get('A'), headers.has('b')], ['1, 2', false]);
  headers.set('a', '3');
  assert.deepEqual([...headers], [['a', '3']]);
});
