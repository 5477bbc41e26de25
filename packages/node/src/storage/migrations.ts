// The history of the tables, one numbered step after another. A step that has been released is never changed.
import { type Kysely, sql } from 'kysely';
import type { Migration } from 'kysely/migration';

// A migration speaks of the tables as they were then, so it must not use today's types.
type Untyped = Kysely<unknown>;

const initial: Migration = {
  async up(db: Untyped) {
    await db.schema
      .createTable('people')
      .addColumn('address', 'text', (c) => c.primaryKey())
      .addColumn('name', 'text', (c) => c.notNull())
      .addColumn('created_at', 'bigint', (c) => c.notNull())
      .execute();
    await db.schema
      .createTable('identities')
      .addColumn('issuer_id', 'text', (c) => c.notNull())
      .addColumn('subject', 'text', (c) => c.notNull())
      .addColumn('address', 'text', (c) => c.notNull().references('people.address').onDelete('cascade'))
      .addPrimaryKeyConstraint('identities_pk', ['issuer_id', 'subject'])
      .execute();
    await db.schema
      .createTable('sign_in_attempts')
      .addColumn('state', 'text', (c) => c.primaryKey())
      .addColumn('nonce', 'text', (c) => c.notNull())
      .addColumn('verifier', 'text', (c) => c.notNull())
      .addColumn('issuer_id', 'text', (c) => c.notNull())
      .addColumn('return_to', 'text', (c) => c.notNull())
      .addColumn('origin', 'text', (c) => c.notNull())
      .addColumn('expires_at', 'bigint', (c) => c.notNull())
      .execute();
    await db.schema.createIndex('sign_in_attempts_expires_at').on('sign_in_attempts').column('expires_at').execute();
    await db.schema
      .createTable('web_sessions')
      .addColumn('token_hash', 'text', (c) => c.primaryKey())
      .addColumn('address', 'text', (c) => c.notNull().references('people.address').onDelete('cascade'))
      .addColumn('issuer_id', 'text', (c) => c.notNull())
      .addColumn('created_at', 'bigint', (c) => c.notNull())
      .addColumn('expires_at', 'bigint', (c) => c.notNull())
      .addColumn('last_seen_at', 'bigint', (c) => c.notNull())
      .addColumn('user_agent', 'text', (c) => c.notNull())
      .execute();
    await db.schema.createIndex('web_sessions_expires_at').on('web_sessions').column('expires_at').execute();
    await db.schema.createIndex('web_sessions_address').on('web_sessions').column('address').execute();
    await db.schema
      .createTable('contacts')
      .addColumn('owner', 'text', (c) => c.notNull())
      .addColumn('address', 'text', (c) => c.notNull())
      .addColumn('name', 'text', (c) => c.notNull())
      .addColumn('company', 'text', (c) => c.notNull())
      .addPrimaryKeyConstraint('contacts_pk', ['owner', 'address'])
      .execute();
    await db.schema
      .createTable('conversations')
      .addColumn('id', 'text', (c) => c.primaryKey())
      .addColumn('host', 'text', (c) => c.notNull())
      .addColumn('created_at', 'bigint', (c) => c.notNull())
      .addColumn('ended_at', 'bigint')
      .addColumn('active', 'integer', (c) => c.notNull())
      .addColumn('role', 'text', (c) => c.notNull().check(sql`role in ('host', 'copy')`))
      .execute();
    await db.schema.createIndex('conversations_active').on('conversations').column('active').execute();
    await db.schema
      .createTable('events')
      .addColumn('conversation', 'text', (c) => c.notNull().references('conversations.id').onDelete('cascade'))
      .addColumn('n', 'integer', (c) => c.notNull())
      .addColumn('at', 'bigint', (c) => c.notNull())
      .addColumn('body', 'text', (c) => c.notNull())
      .addPrimaryKeyConstraint('events_pk', ['conversation', 'n'])
      .execute();
    await db.schema
      .createTable('deliveries')
      .addColumn('conversation', 'text', (c) => c.notNull().references('conversations.id').onDelete('cascade'))
      .addColumn('domain', 'text', (c) => c.notNull())
      .addColumn('acknowledged', 'integer', (c) => c.notNull())
      .addPrimaryKeyConstraint('deliveries_pk', ['conversation', 'domain'])
      .execute();
  },
};

const devices: Migration = {
  async up(db: Untyped) {
    await db.schema
      .createTable('devices')
      .addColumn('id', 'text', (c) => c.primaryKey())
      .addColumn('address', 'text', (c) => c.notNull().references('people.address').onDelete('cascade'))
      .addColumn('web_session', 'text', (c) => c.notNull().references('web_sessions.token_hash').onDelete('cascade'))
      .addColumn('tokens', 'text', (c) => c.notNull())
      .addColumn('seen_at', 'bigint', (c) => c.notNull())
      .execute();
    await db.schema.createIndex('devices_web_session').on('devices').column('web_session').execute();
  },
};

const proofs: Migration = {
  async up(db: Untyped) {
    await db.schema
      .alterTable('sign_in_attempts')
      .addColumn('nonce_given', 'integer', (c) => c.notNull().defaultTo(0))
      .execute();
    await db.schema.alterTable('web_sessions').addColumn('subject', 'text').execute();
    await db.schema.alterTable('web_sessions').addColumn('id_token', 'text').execute();
  },
};

const guests: Migration = {
  async up(db: Untyped) {
    await db.schema.alterTable('web_sessions').addColumn('conversation', 'text').execute();
    await db.schema.alterTable('web_sessions').addColumn('link', 'text').execute();
    await db.schema.alterTable('web_sessions').addColumn('origin', 'text').execute();
    await db.schema
      .createTable('guest_links')
      .addColumn('id', 'text', (c) => c.primaryKey())
      .addColumn('secret_hash', 'text', (c) => c.notNull().unique())
      .addColumn('conversation', 'text', (c) => c.notNull().references('conversations.id').onDelete('cascade'))
      .addColumn('made_by', 'text', (c) => c.notNull())
      .addColumn('lobby', 'integer', (c) => c.notNull())
      .addColumn('created_at', 'bigint', (c) => c.notNull())
      .addColumn('expires_at', 'bigint', (c) => c.notNull())
      .execute();
    await db.schema.createIndex('guest_links_conversation').on('guest_links').column('conversation').execute();
  },
};

const linkedAccounts: Migration = {
  async up(db: Untyped) {
    await db.schema.alterTable('identities').addColumn('account', 'text').execute();
    await db.schema.alterTable('identities').addColumn('linked_at', 'bigint').execute();
    await db.schema.alterTable('identities').addColumn('used_at', 'bigint').execute();
    await db.schema
      .alterTable('sign_in_attempts')
      .addColumn('prompted', 'integer', (c) => c.notNull().defaultTo(0))
      .execute();
    await db.schema.alterTable('sign_in_attempts').addColumn('link_for', 'text').execute();
    await db.schema.alterTable('web_sessions').addColumn('authenticated_at', 'bigint').execute();
  },
};

const recordings: Migration = {
  async up(db: Untyped) {
    await db.schema
      .createTable('recordings')
      .addColumn('id', 'text', (c) => c.primaryKey())
      .addColumn('conversation', 'text', (c) => c.notNull())
      .addColumn('n', 'integer', (c) => c.notNull())
      .addColumn('room', 'text', (c) => c.notNull())
      .addColumn('file', 'text', (c) => c.notNull())
      .addColumn('bytes', 'bigint', (c) => c.notNull())
      .addColumn('created_at', 'bigint', (c) => c.notNull())
      .addColumn('expires_at', 'bigint', (c) => c.notNull())
      .execute();
    await db.schema.createIndex('recordings_expires_at').on('recordings').column('expires_at').execute();
    await db.schema.createIndex('recordings_of').on('recordings').columns(['conversation', 'n']).execute();
    await db.schema
      .createTable('recording_rights')
      .addColumn('conversation', 'text', (c) => c.notNull())
      .addColumn('n', 'integer', (c) => c.notNull())
      .addColumn('address', 'text', (c) => c.notNull())
      .addColumn('names', 'text', (c) => c.notNull())
      .addColumn('title', 'text')
      .addColumn('started_at', 'bigint', (c) => c.notNull())
      .addColumn('bytes', 'bigint', (c) => c.notNull())
      .addColumn('milliseconds', 'bigint', (c) => c.notNull())
      .addColumn('expires_at', 'bigint', (c) => c.notNull())
      .addPrimaryKeyConstraint('recording_rights_pk', ['conversation', 'n', 'address'])
      .execute();
    await db.schema.createIndex('recording_rights_address').on('recording_rights').column('address').execute();
  },
};

/** By name; the names are applied in their alphabetical order. */
export const migrations: Readonly<Record<string, Migration>> = {
  '001-initial': initial,
  '002-devices': devices,
  '003-proofs': proofs,
  '004-guests': guests,
  '005-linked-accounts': linkedAccounts,
  '006-recordings': recordings,
};
