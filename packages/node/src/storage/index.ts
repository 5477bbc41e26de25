// A provider's database: opens it, brings its tables up to date, and gives the rooms a typed query builder.
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { Kysely } from 'kysely';
import { Migrator } from 'kysely/migration';
import { migrations } from './migrations.ts';
import type { Database } from './schema.ts';
import { NodeSqliteDialect, openSqlite } from './sqlite.ts';

export type { Database } from './schema.ts';

/** `destroy()` closes it. */
export type Storage = Kysely<Database>;

/**
 * Opens the database, making its folder and file if need be, and applies the migrations that it lacks. Errors name the
 * file: it cannot be opened, is no database, or was written by a newer version.
 */
export async function openStorage(config: { readonly file: string }): Promise<Storage> {
  const { file } = config;
  let storage: Storage | undefined;
  try {
    if (file !== ':memory:') mkdirSync(dirname(file), { recursive: true });
    storage = new Kysely<Database>({ dialect: new NodeSqliteDialect(openSqlite(file)) });
    const provider = { getMigrations: async () => ({ ...migrations }) };
    const { error } = await new Migrator({ db: storage, provider }).migrateToLatest();
    if (error) throw error;
    return storage;
  } catch (error) {
    await storage?.destroy();
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`storage.file: the database ${file} cannot be used: ${reason}`, { cause: error });
  }
}

// https://sqlite.org/rescode.html: SQLITE_CONSTRAINT_PRIMARYKEY, SQLITE_CONSTRAINT_UNIQUE.
const uniqueViolations = new Set([1555, 2067]);

/** True if an insert or update failed because a row with that key is there already: how compare-and-set is lost. */
export function isUniqueViolation(error: unknown): boolean {
  return (
    error instanceof Error &&
    'errcode' in error &&
    typeof error.errcode === 'number' &&
    uniqueViolations.has(error.errcode)
  );
}
