// Who is in a room, and what happens to a leg that is opened for somebody who leaves meanwhile.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ParleyError } from '@parley/protocol';
import { createRoster, MAX_DEVICES } from './roster.ts';

interface Device {
  readonly name: string;
  legs: number;
}

const open = () =>
  createRoster(
    (name: string): Device => ({ name, legs: 0 }),
    ({ legs }) => legs === 0,
  );

function leg() {
  return {
    closed: false,
    close() {
      this.closed = true;
    },
  };
}

const code = (wanted: string) => (error: unknown) => error instanceof ParleyError && error.code === wanted;

describe('the devices of a room', () => {
  it('keeps one while a leg is being opened for it, and forgets it if that fails', async () => {
    const roster = open();
    const alice = roster.enter('alice');
    assert.equal(roster.enter('alice'), alice);
    const opening = Promise.withResolvers<ReturnType<typeof leg>>();
    const opened = roster.open(
      alice,
      () => opening.promise,
      () => assert.fail('nothing was opened'),
    );
    roster.tidy(alice);
    assert.ok(roster.isOn(alice));
    opening.reject(new Error('refused'));
    await assert.rejects(opened, /refused/);
    assert.ok(!roster.isOn(alice));
  });

  it('closes a leg again whose device has left meanwhile, even if another of that name has come', async () => {
    const roster = open();
    const alice = roster.enter('alice');
    const made = leg();
    const opening = Promise.withResolvers<typeof made>();
    const opened = roster.open(
      alice,
      () => opening.promise,
      () => assert.fail('it has no place any more'),
    );
    roster.remove(alice);
    const again = roster.enter('alice');
    again.legs = 1;
    opening.resolve(made);
    await assert.rejects(opened, code('not-in-call'));
    assert.ok(made.closed);
    assert.ok(roster.isOn(again));
  });

  it('takes nobody in after its end, and says so to those who are still opening', async () => {
    const roster = open();
    const alice = roster.enter('alice');
    const made = leg();
    const opened = roster.open(
      alice,
      async () => made,
      () => assert.fail('the room is over'),
    );
    assert.deepEqual(roster.end(), [alice]);
    await assert.rejects(opened, code('unknown-room'));
    assert.ok(made.closed);
    assert.throws(() => roster.enter('bob'), code('unknown-room'));
    assert.deepEqual(roster.all(), []);
  });

  it('is full at some point', () => {
    const roster = open();
    for (let i = 0; i < MAX_DEVICES; i += 1) roster.enter(`device ${i}`);
    assert.throws(() => roster.enter('one more'), code('conversation-full'));
  });
});
