import assert from 'node:assert/strict';
import { test } from 'node:test';
import { diff, merge, patch, query } from '../src/plugin.js';

const pointers = (document, path) => query(document, path).matches.map(({ pointer }) => pointer);

// The store of RFC 9535, section 1.5.
const store = {
  store: {
    book: [
      { author: 'Nigel Rees', price: 8.95 },
      { author: 'Evelyn Waugh', price: 12.99 },
      { author: 'Herman Melville', price: 8.99, isbn: 'x' },
    ],
    bicycle: { color: 'red', price: 399 },
  },
};

test('a JSONPath selects what RFC 9535 says', () => {
  assert.deepEqual(pointers(store, '$.store.book[*].author'), ['/store/book/0/author', '/store/book/1/author', '/store/book/2/author']);
  assert.deepEqual(pointers(store, '$..isbn'), ['/store/book/2/isbn']);
  assert.deepEqual(pointers(store, '$.store.*'), ['/store/book', '/store/bicycle']);
  assert.deepEqual(pointers(store, '$..book[-1]'), ['/store/book/2']);
  assert.deepEqual(pointers(store, '$..book[0,1].price'), ['/store/book/0/price', '/store/book/1/price']);
  assert.deepEqual(pointers(store, `$['store']["bicycle"]['color', 'price']`), ['/store/bicycle/color', '/store/bicycle/price']);
  assert.equal(query(store, '$..*').count, 15);
  assert.deepEqual(pointers(store, '$'), ['']);
});

test('a slice selects what RFC 9535 says', () => {
  const values = (path) => query(['a', 'b', 'c', 'd', 'e', 'f', 'g'], path).matches.map(({ value }) => value).join('');
  const table = { '$[1:3]': 'bc', '$[5:]': 'fg', '$[1:5:2]': 'bd', '$[5:1:-2]': 'fd', '$[::-1]': 'gfedcba', '$[-2:]': 'fg', '$[:0]': '', '$[::0]': '' };
  for (const [path, expected] of Object.entries(table)) assert.equal(values(path), expected, path);
});

test('names may have anything in them', () => {
  const document = { "o'clock": 1, 'a"b': 2, 'c/d~': 3, ä: 4, '': 5 };
  assert.deepEqual(pointers(document, String.raw`$['o\'clock']`), ["/o'clock"]);
  assert.deepEqual(pointers(document, `$['a"b']`), ['/a"b']);
  assert.deepEqual(pointers(document, '$["c/d~"]'), ['/c~1d~0']);
  assert.deepEqual(query(document, '/c~1d~0').matches, [{ pointer: '/c~1d~0', value: 3 }]);
  assert.deepEqual(pointers(document, '$.ä'), ['/ä']);
  assert.deepEqual(pointers(document, '/'), ['/']);
});

test('what is no path is told', () => {
  for (const path of ['$.', '$[', '$[1', '$[01]', '$.a b', "$['a'", '$[]', '$[1,]', '$a']) {
    assert.throws(() => query({}, path), /is no JSONPath/, path);
  }
  assert.throws(() => query({}, '$[?@.a]'), /filters/);
  assert.throws(() => query({}, 'a'), /begins with/);
  assert.throws(() => query({}, '/~2'), /is no JSON Pointer/);
});

test('a document may be a text', () => {
  assert.deepEqual(query('{"a": [1]}', '/a/0').matches, [{ pointer: '/a/0', value: 1 }]);
  assert.deepEqual(query('{"a": [1]}', '/a/01').matches, []);
  assert.deepEqual(query('"text"', '').matches, [{ pointer: '', value: 'text' }]);
  assert.deepEqual(query('text', '').matches, [{ pointer: '', value: 'text' }]);
  assert.throws(() => query('{"a": ', ''), /document is no JSON/);
});

test('what differs is told in the fewest words', () => {
  assert.deepEqual(diff({ a: 1, b: [1, 2, 3] }, { b: [1, 3], c: null }).operations, [
    { op: 'remove', path: '/a' },
    { op: 'remove', path: '/b/1' },
    { op: 'add', path: '/c', value: null },
  ]);
  assert.deepEqual(diff([1], [1]), { equal: true, operations: [] });
  assert.deepEqual(diff({}, []).operations, [{ op: 'replace', path: '', value: [] }]);
});

test('a difference makes the one of the other', () => {
  let seed = 7;
  const random = (below) => (seed = (seed * 48271) % 0x7fffffff) % below;
  const value = (depth) => {
    const kind = random(depth > 0 ? 6 : 4);
    if (kind < 4) return [null, true, random(3), `t${random(3)}`][kind];
    const size = random(4);
    if (kind === 4) return Array.from({ length: size }, () => value(depth - 1));
    return Object.fromEntries(Array.from({ length: size }, () => [['a', 'b/c', '~', '0', '__proto__'][random(5)], value(depth - 1)]));
  };
  for (let round = 0; round < 5000; round++) {
    const [from, to] = [value(3), value(3)];
    const before = JSON.stringify(from);
    const text = (document) => JSON.stringify(document);
    assert.deepEqual(patch(text(from), diff(text(from), text(to)).operations).document, to, `${text(from)} ${text(to)}`);
    assert.equal(JSON.stringify(from), before);
  }
});

test('a patch does what RFC 6902 says', () => {
  const table = [
    [{ foo: ['bar', 'baz'] }, [{ op: 'add', path: '/foo/1', value: 'qux' }], { foo: ['bar', 'qux', 'baz'] }],
    [{ foo: ['a'] }, [{ op: 'add', path: '/foo/-', value: ['b'] }], { foo: ['a', ['b']] }],
    [{ a: { b: 1 }, c: 2 }, [{ op: 'move', from: '/a/b', path: '/c' }], { a: {}, c: 1 }],
    [{ a: [1] }, [{ op: 'copy', from: '/a', path: '/b' }, { op: 'add', path: '/b/0', value: 0 }], { a: [1], b: [0, 1] }],
    [{ a: 1 }, [{ op: 'test', path: '/a', value: 1 }, { op: 'replace', path: '/a', value: 2 }], { a: 2 }],
    [{ a: 1 }, [{ op: 'move', from: '/a', path: '/a' }], { a: 1 }],
    [[1, 2], [{ op: 'replace', path: '/0', value: 3 }, { op: 'remove', path: '/1' }], [3]],
  ];
  for (const [document, operations, expected] of table) assert.deepEqual(patch(document, operations).document, expected);
});

test('a patch that does not fit is told by its operation', () => {
  const message = (document, operation) => {
    try {
      patch(document, [operation]);
    } catch (error) {
      return error.message;
    }
    assert.fail(JSON.stringify(operation));
  };
  assert.equal(message({}, { op: 'remove', path: '/a' }), 'operations[0] (remove /a): there is nothing at /a');
  assert.match(message([1], { op: 'add', path: '/5', value: 1 }), /5 is no place in a list of 1/);
  assert.match(message({}, { op: 'add', path: '/a/b', value: 1 }), /no list and no object/);
  assert.match(message({ a: 1 }, { op: 'test', path: '/a', value: 2 }), /another value/);
  assert.match(message({ a: {} }, { op: 'move', from: '/a', path: '/a/b' }), /into itself/);
  assert.match(message({}, { op: 'add', path: '/a' }), /no value/);
});

test('a merge does what RFC 7396 says', () => {
  const table = [
    [{ a: 'b' }, { a: 'c' }, { a: 'c' }],
    [{ a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' }],
    [{ a: 'b', b: 'c' }, { a: null }, { b: 'c' }],
    [{ a: ['b'] }, { a: 'c' }, { a: 'c' }],
    [{ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] }],
    [['a', 'b'], ['c', 'd'], ['c', 'd']],
    [{ a: 'foo' }, null, null],
    [{ e: null }, { a: 1 }, { e: null, a: 1 }],
    [[1, 2], { a: 'b', c: null }, { a: 'b' }],
    [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
  ];
  for (const [document, change, expected] of table) assert.deepEqual(merge(document, change).document, expected);
});
