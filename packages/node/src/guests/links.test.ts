// Links for guests: what is kept of them, and when they are over (R31).
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Address, type ConversationId, ParleyError } from '@parley/protocol';
import { openStorage } from '../storage/index.ts';
import { createLinks } from './links.ts';

const conversation = `${'c'.repeat(22)}@enterprise1.example` as ConversationId;
const bob = 'bob@enterprise1.example' as Address;

test('a link is good until its time is over, it is withdrawn, or its call is, and its secret is kept nowhere', async (t) => {
  const storage = await openStorage({ file: ':memory:' });
  t.after(() => storage.destroy());
  const created = { id: conversation, host: 'enterprise1.example', created_at: 0, ended_at: null, active: 1 };
  await storage
    .insertInto('conversations')
    .values({ ...created, role: 'host' })
    .execute();
  let clock = 1_000;
  const links = createLinks(storage, () => clock);
  const over = (secret: string, code: string) =>
    assert.rejects(links.bySecret(secret), (error: unknown) => error instanceof ParleyError && error.code === code);

  const [short, withdrawn, left] = [
    await links.make(conversation, bob, false, 2_000),
    await links.make(conversation, bob, true, 9_000),
    await links.make(conversation, bob, true, 9_000),
  ];
  assert.match(short.secret, /^[\w-]{43}$/);
  const kept = JSON.stringify(await storage.selectFrom('guest_links').selectAll().execute());
  for (const { secret } of [short, withdrawn, left]) assert.ok(!kept.includes(secret));
  assert.deepEqual(await links.bySecret(withdrawn.secret), withdrawn.link);
  await over('A'.repeat(43), 'link-invalid');
  await over(short.link.id, 'link-invalid');

  clock = 2_000;
  await over(short.secret, 'link-ended');
  await links.remove(withdrawn.link.id);
  await over(withdrawn.secret, 'link-ended');
  assert.deepEqual(await links.of(conversation), [left.link]);
  await links.removeAll(conversation);
  await over(left.secret, 'link-ended');
  assert.equal(await links.byId(left.link.id), null);
});
