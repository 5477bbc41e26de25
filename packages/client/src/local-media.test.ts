import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isNothingChosen } from './local-media.ts';

test('closing the window that asks for a screen is no failure; a screen that cannot be captured is one', () => {
  const refusal = (message: string) => new DOMException(message, 'NotAllowedError');
  for (const message of [
    'Permission denied',
    'Permission denied by user',
    'The request is not allowed by the user agent or the platform in the current context.',
  ]) {
    assert.equal(isNothingChosen(refusal(message)), true, message);
  }
  for (const error of [
    refusal('Permission denied by system'),
    refusal('Access to the feature "display-capture" is disallowed by permissions policy.'),
    new DOMException('Could not start video source', 'NotReadableError'),
    new TypeError('Failed to execute'),
  ]) {
    assert.equal(isNothingChosen(error), false, error.message);
  }
});
