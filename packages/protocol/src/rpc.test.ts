import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { deviceMethods } from './device.ts';
import { errorCatalogue, errorCodeSchema, ParleyError } from './errors.ts';
import { MAX_FRAME_BYTES } from './limits.ts';
import { errorOf, failure, failureSchema, parseFrame, parseWith } from './rpc.ts';

const kinds = ['request', 'notification', 'success', 'failure', 'invalid'];
const id = fc.oneof(fc.string({ minLength: 1, maxLength: 64 }), fc.nat());
const method = fc.constantFrom('session.hello', 'call.start', 'conversation.events');
const params = fc.option(fc.dictionary(fc.string(), fc.jsonValue()), { nil: undefined });

describe('reading frames', () => {
  it('gives a message or a typed error for any text', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => kinds.includes(parseFrame(text).kind)));
  });

  it('gives a message or a typed error for any JSON, and for damaged messages', () => {
    const pieces = fc.record(
      {
        jsonrpc: fc.oneof(fc.constant('2.0'), fc.jsonValue()),
        id: fc.oneof(id, fc.jsonValue()),
        method: fc.oneof(method, fc.jsonValue()),
        params: fc.jsonValue(),
        result: fc.jsonValue(),
        error: fc.jsonValue(),
        seq: fc.jsonValue(),
        __proto__: fc.jsonValue(),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(fc.oneof(fc.jsonValue(), pieces), (value) => {
        const message = parseFrame(JSON.stringify(value));
        assert.ok(kinds.includes(message.kind));
        if (message.kind === 'invalid') assert.ok(message.error instanceof ParleyError);
      }),
    );
  });

  it('reads back every request and notification that is written', () => {
    fc.assert(
      fc.property(id, method, params, (requestId, name, given) => {
        const request = { jsonrpc: '2.0', id: requestId, method: name, ...(given ? { params: given } : {}) };
        assert.deepEqual(
          { ...parseFrame(JSON.stringify(request)) },
          { kind: 'request', ...JSON.parse(JSON.stringify(request)) },
        );
        const { id: _, ...notification } = request;
        assert.equal(parseFrame(JSON.stringify(notification)).kind, 'notification');
      }),
    );
  });

  it('finds the id of a request that is otherwise wrong, so that its sender can be answered', () => {
    const message = parseFrame('{"jsonrpc":"2.0","id":7,"method":"NOT A METHOD"}');
    assert.deepEqual(message.kind === 'invalid' && [message.id, message.error.code], [7, 'malformed-message']);
  });

  it('survives objects that cannot be compared with anything', () => {
    const bad = '{"length":{"valueOf":0,"toString":0}}';
    for (const text of [`{"jsonrpc":"2.0","id":1,"method":${bad}}`, `{"jsonrpc":"2.0","id":${bad},"method":"a.b"}`]) {
      const message = parseFrame(text);
      assert.equal(message.kind === 'invalid' && message.error.code, 'malformed-message');
    }
    const params = { text: JSON.parse(bad) };
    assert.throws(() => parseWith(deviceMethods['directory.search'].params, params), { code: 'invalid-parameters' });
  });

  it('refuses what is too large before looking into it', () => {
    const message = parseFrame(' '.repeat(MAX_FRAME_BYTES + 1));
    assert.equal(message.kind === 'invalid' && message.error.code, 'message-too-large');
  });
});

describe('errors', () => {
  it('survive the way over a socket, whatever their details', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...errorCodeSchema.options),
        fc.option(fc.string({ maxLength: 500 }), { nil: undefined }),
        (code, details) => {
          const written = failure('1', new ParleyError(code, details));
          assert.ok(failureSchema.safeParse(JSON.parse(JSON.stringify(written))).success);
          const error = errorOf(written);
          assert.deepEqual([error.code, error.details], [code, details]);
        },
      ),
    );
  });

  it('each say in a sentence what to do', () => {
    for (const { text } of Object.values(errorCatalogue)) assert.match(text, /^[A-Z].*\.$/);
  });
});
