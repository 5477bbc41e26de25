// The database on a real file: what is written stays, all or nothing, once.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, test } from 'node:test';
import type { Address, ConversationId } from '@parley/protocol';
import { sql } from 'kysely';
import { isUniqueViolation, openStorage, type Storage } from './index.ts';

const folder = mkdtempSync(join(tmpdir(), 'parley-storage-'));
after(() => rmSync(folder, { recursive: true }));
let files = 0;
const freshFile = () => join(folder, `made/${++files}.db`);

const alice = 'alice@enterprise1.example' as Address;
const id = 'AAAAAAAAAAAAAAAAAAAAAA@enterprise1.example' as ConversationId;

async function addConversation(db: Pick<Storage, 'insertInto'>): Promise<void> {
  const row = { id, host: 'enterprise1.example', created_at: 1, ended_at: null, active: 1, role: 'host' as const };
  await db.insertInto('conversations').values(row).execute();
}
const addEvent = (db: Pick<Storage, 'insertInto'>, n: number, body = '{}') =>
  db.insertInto('events').values({ conversation: id, n, at: Date.now(), body }).execute();

test('what was written is there after closing and opening again, and the migrations do nothing the second time', async () => {
  const file = freshFile();
  const first = await openStorage({ file });
  const created_at = Date.now();
  await first.insertInto('people').values({ address: alice, name: 'Alice Archer', created_at }).execute();
  const applied = await sql<{ name: string }>`select name from kysely_migration`.execute(first);
  await first.destroy();

  const second = await openStorage({ file });
  assert.deepEqual(
    { ...(await second.selectFrom('people').selectAll().executeTakeFirst()) },
    {
      address: alice,
      name: 'Alice Archer',
      created_at,
    },
  );
  assert.deepEqual((await sql<{ name: string }>`select name from kysely_migration`.execute(second)).rows, applied.rows);
  await second.destroy();
});

test('the settings that keep data safe are on', async () => {
  const storage = await openStorage({ file: freshFile() });
  const pragma = async (name: string) =>
    Object.values(Object((await sql.raw(`pragma ${name}`).execute(storage)).rows[0]));
  assert.deepEqual(await pragma('journal_mode'), ['wal']);
  assert.deepEqual(await pragma('foreign_keys'), [1]);
  assert.deepEqual(await pragma('synchronous'), [1]);
  assert.deepEqual(await pragma('busy_timeout'), [5000]);
  await storage.destroy();
});

test('a transaction that throws leaves nothing behind', async () => {
  const storage = await openStorage({ file: freshFile() });
  await assert.rejects(
    storage.transaction().execute(async (tx) => {
      await addConversation(tx);
      await addEvent(tx, 1);
      throw new Error('changed my mind');
    }),
    /changed my mind/,
  );
  assert.deepEqual(await storage.selectFrom('conversations').selectAll().execute(), []);
  assert.deepEqual(await storage.selectFrom('events').selectAll().execute(), []);
  await storage.destroy();
});

test('of two that append the same number one wins, and the other can tell why it lost', async () => {
  const storage = await openStorage({ file: freshFile() });
  await addConversation(storage);
  const both = await Promise.allSettled([addEvent(storage, 1, '"a"'), addEvent(storage, 1, '"b"')]);
  assert.deepEqual(both.map((result) => result.status).sort(), ['fulfilled', 'rejected']);
  const lost = both.find((result) => result.status === 'rejected');
  assert.ok(isUniqueViolation(lost?.reason));
  assert.equal((await storage.selectFrom('events').selectAll().execute()).length, 1);
  await storage.destroy();
});

test('other failures are not mistaken for a lost compare-and-set', async () => {
  const storage = await openStorage({ file: freshFile() });
  const noSuchConversation = await addEvent(storage, 1).catch((error: unknown) => error);
  assert.match(String(noSuchConversation), /FOREIGN KEY/);
  assert.equal(isUniqueViolation(noSuchConversation), false);
  assert.equal(isUniqueViolation(undefined), false);
  await storage.destroy();
});

test('transactions at the same time run one after the other', async () => {
  const storage = await openStorage({ file: freshFile() });
  await addConversation(storage);
  const append = () =>
    storage.transaction().execute(async (tx) => {
      const last = await tx
        .selectFrom('events')
        .select((eb) => eb.fn.max('n').as('n'))
        .executeTakeFirst();
      await addEvent(tx, (last?.n ?? 0) + 1);
    });
  await Promise.all(Array.from({ length: 20 }, append));
  const rows = await storage.selectFrom('events').select('n').orderBy('n').execute();
  assert.deepEqual(
    rows.map((row) => row.n),
    Array.from({ length: 20 }, (_, index) => index + 1),
  );
  await storage.destroy();
});

test('changed rows are counted, and more different queries than are kept prepared still work', async () => {
  const storage = await openStorage({ file: freshFile() });
  await storage.insertInto('people').values({ address: alice, name: 'Alice', created_at: 1 }).execute();
  const result = await storage.updateTable('people').set({ name: 'Alice Archer' }).executeTakeFirst();
  assert.equal(result.numUpdatedRows, 1n);
  for (let i = 0; i < 600; i++) {
    const { rows } = await sql<{ v: number }>`select ${sql.raw(String(i))} as v`.execute(storage);
    assert.equal(rows[0]?.v, i);
  }
  await storage.destroy();
});

test('a file that is no database is refused by name', async () => {
  const file = join(folder, 'letter.txt');
  writeFileSync(file, 'Dear Sir or Madam, this is not a database at all. '.repeat(50));
  await assert.rejects(openStorage({ file }), (error: Error) => error.message.includes(file));
});

test('a database from a newer version is refused rather than misread', async () => {
  const file = freshFile();
  await (await openStorage({ file })).destroy();
  const raw = new DatabaseSync(file);
  raw.exec(`insert into kysely_migration (name, timestamp) values ('999-from-the-future', '')`);
  raw.close();
  await assert.rejects(openStorage({ file }), /999-from-the-future/);
});
