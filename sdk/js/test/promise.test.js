import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as hand from '../src/promise.js';

/** What a function does with promises, in the order in which it does it: with these, and with the built-in ones. */
async function both(run) {
  const order = [];
  const say = (what) => order.push(what);
  const ours = hand.settle(run(hand.Promise, hand.queueMicrotask, say));
  const ourOrder = order.splice(0);
  const theirs = await run(Promise, queueMicrotask, say);
  assert.deepEqual(ourOrder, order);
  assert.deepEqual(ours, theirs);
  return ours;
}

/** `async`, as the build turns it into a generator. */
const spawn = (P, generator) =>
  new P((resolve, reject) => {
    const step = (method, value) => {
      let next;
      try {
        next = generator[method](value);
      } catch (error) {
        return reject(error);
      }
      if (next.done) return resolve(next.value);
      P.resolve(next.value).then((value) => step('next', value), (error) => step('throw', error));
    };
    step('next');
  });

test('jobs run in the order in which the built-in promises run them', async () => {
  await both((P, later, say) => {
    later(() => say('micro'));
    P.resolve(1).then(() => say('a')).then(() => say('b'));
    new P((resolve) => resolve(P.resolve(2))).then(() => say('adopted'));
    P.reject(3).catch(() => say('caught')).finally(() => say('finally'));
    return P.resolve().then(() => {}).then(() => {}).then(() => {}).then(() => {}).then(() => {}).then(() => 'end');
  });
});

test('what has many parts settles as the built-in promises do', async () => {
  const thenable = { then: (resolve) => resolve('thenable') };
  await both((P) => P.all([1, P.resolve(2), thenable]));
  await both((P) => P.all([]));
  await both((P) => P.allSettled([P.reject(1), 2]));
  await both((P) => P.race([new P(() => {}), P.resolve('first')]));
  await both((P) => P.any([P.reject(1), P.resolve('any')]));
  await both((P) => P.any([P.reject(1), P.reject(2)]).catch(({ errors }) => errors));
  // Not every Node has this one.
  const { promise, resolve } = hand.Promise.withResolvers();
  resolve('with');
  assert.equal(hand.settle(promise), 'with');
});

test('what is thrown goes through functions that wait', async () => {
  const run = (P) =>
    spawn(P, (function* () {
      try {
        yield P.reject(new Error('inner'));
      } catch (error) {
        return `caught ${error.message} ${yield 'value'}`;
      }
    })());
  assert.equal(await both(run), 'caught inner value');
  assert.throws(() => hand.settle(spawn(hand.Promise, (function* () { throw new RangeError('out'); })())), RangeError);
});

test('a promise that waits for itself is refused', () => {
  const promise = new hand.Promise((resolve) => hand.queueMicrotask(() => resolve(promise)));
  assert.throws(() => hand.settle(promise), /cannot wait for itself/);
});

test('timers run in their order, after waiting for them', () => {
  const waited = [];
  hand.waitWith((milliseconds) => waited.push(milliseconds));
  const order = [];
  const slow = new hand.Promise((resolve) => hand.setTimeout(resolve, 30, 'slow'));
  hand.setTimeout(() => order.push('quick'), 10);
  hand.setTimeout(() => order.push('second'), 10);
  hand.clearTimeout(hand.setTimeout(() => order.push('never'), 5));
  assert.equal(hand.settle(slow), 'slow');
  assert.deepEqual(order, ['quick', 'second']);
  assert.deepEqual(waited, [10, 0, 20]);
});

test('what nothing settles is told', () => {
  assert.throws(() => hand.settle(new hand.Promise(() => {})), /a promise that nothing settles/);
});

test('what is no promise is there already', () => {
  assert.equal(hand.settle(5), 5);
  assert.equal(hand.settle(undefined), undefined);
});
