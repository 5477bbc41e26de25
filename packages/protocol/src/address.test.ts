import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { addressSchema, conversationIdSchema, domainOf, hostOf, parseAddress, parseDomain } from './address.ts';

const letters = 'abcdefghijklmnopqrstuvwxyz0123456789';
const word = (inner: string, max: number) =>
  fc
    .tuple(
      fc.constantFrom(...letters),
      fc.string({ unit: fc.constantFrom(...letters, ...inner), maxLength: max }),
      fc.constantFrom(...letters),
    )
    .map((parts) => parts.join(''));
const domain = fc.array(word('-', 20), { minLength: 1, maxLength: 4 }).map((labels) => labels.join('.'));
const local = word('._+-', 40);

describe('addresses', () => {
  it('are read back as they were written, in capitals, with a scheme or space around them', () => {
    const dress = fc.constantFrom<(text: string) => string>(
      (text) => text,
      (text) => text.toUpperCase(),
      (text) => `acct:${text}`,
      (text) => ` ${text}\n`,
      (text) => `  ACCT:${text.toUpperCase()} `,
    );
    fc.assert(
      fc.property(local, domain, dress, (name, host, wrap) => {
        const address = parseAddress(wrap(`${name}@${host}`));
        assert.equal(address, `${name}@${host}`);
        assert.ok(address !== null && domainOf(address) === host);
      }),
    );
  });

  it('are either refused or fit for the schema, whatever is typed', () => {
    const typed = fc.oneof(
      fc.string(),
      fc.string({ unit: fc.constantFrom('a', '@', '.', '-', ':', ' ', 'É', '\u0000') }),
    );
    fc.assert(
      fc.property(typed, (text) => {
        const address = parseAddress(text);
        if (address === null) return;
        assert.equal(parseAddress(address), address);
        assert.equal(addressSchema.parse(address), address);
        assert.equal(parseDomain(domainOf(address)), domainOf(address));
      }),
    );
  });

  it('of nobody are refused', () => {
    const wrong = [
      '',
      '@',
      'alice',
      'alice@',
      '@a.example',
      'a@b@c',
      'a b@c.example',
      'a@-c.example',
      'a@c..example',
      '.a@c',
    ];
    for (const text of wrong) assert.equal(parseAddress(text), null, text);
    assert.equal(parseAddress(`${'a'.repeat(65)}@c.example`), null);
  });
});

describe('conversation ids', () => {
  it('name their host', () => {
    const id = conversationIdSchema.parse(`${'A-_9'.repeat(5)}xy@enterprise1.example`);
    assert.equal(hostOf(id), 'enterprise1.example');
    assert.equal(conversationIdSchema.safeParse('short@enterprise1.example').success, false);
  });
});
