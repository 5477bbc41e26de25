import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { browserName, clockText, initialsOf, TINTS, tintOf } from './format.ts';

test('initials are the first letters of the first and the last name, whatever the alphabet', () => {
  assert.equal(initialsOf('Bob Bennett'), 'BB');
  assert.equal(initialsOf('inés maría ibáñez'), 'II');
  assert.equal(initialsOf('Ольга'), 'О');
  assert.equal(initialsOf('𝒜nna'), '𝒜');
  assert.equal(initialsOf('<b>'), 'B');
  assert.equal(initialsOf('…'), '?');
});

test('the clock shows hours only when there are some', () => {
  assert.deepEqual([0, 7_999, 75_000, 3_729_000, -5].map(clockText), ['0:00', '0:07', '1:15', '1:02:09', '0:00']);
});

test('everybody has one of the colours, the same each time', () => {
  fc.assert(
    fc.property(fc.string(), (address) => {
      const tint = tintOf(address);
      assert.ok(Number.isInteger(tint) && tint >= 0 && tint < TINTS);
      assert.equal(tintOf(address), tint);
    }),
  );
});

test('the name of a browser is short, and right although each calls itself by the names of others', () => {
  const edge = 'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/156.0 Safari/537.36 Edg/156.0';
  const firefox = 'Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko/20100101 Firefox/153.0';
  const phone = 'Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605 Version/19.0 Safari/604.1';
  const chrome = 'Mozilla/5.0 (Linux; Android 16) AppleWebKit/537.36 Chrome/156.0 Mobile Safari/537.36';
  const names = [edge, firefox, phone, chrome, 'curl'].map(browserName);
  assert.deepEqual(names, ['Edge on Windows', 'Firefox on Linux', 'Safari on iOS', 'Chrome on Android', 'A browser']);
});
