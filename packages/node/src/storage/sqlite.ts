// Kysely over Node's own SQLite (`node:sqlite`): a thin adapter, so that no native module has to be installed.
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import {
  CompiledQuery,
  type DatabaseConnection,
  type Driver,
  SqliteDialect,
  type SqliteDialectConfig,
  SqliteDriver,
  type SqliteStatement,
} from 'kysely';

/** Prepared statements kept; Kysely makes the same text for the same query, so a few hundred cover everything. */
const MAX_STATEMENTS = 256;
/** How long a statement waits for another process that writes to the same file, in milliseconds. */
const BUSY_TIMEOUT_MS = 5000;

/** Opens the file with the settings all of Parley relies on. Throws what `node:sqlite` throws. */
export function openSqlite(file: string): DatabaseSync {
  const database = new DatabaseSync(file, { enableForeignKeyConstraints: true, timeout: BUSY_TIMEOUT_MS });
  // With WAL, `synchronous = NORMAL` loses at most the last moments in a power cut and never consistency
  // (sqlite.org/wal.html, section 5).
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;');
  return database;
}

/** The dialect for an open database; destroying the Kysely instance closes the database. */
export class NodeSqliteDialect extends SqliteDialect {
  readonly #config: SqliteDialectConfig;

  constructor(database: DatabaseSync) {
    const config = { database: adapt(database) };
    super(config);
    this.#config = config;
  }

  override createDriver(): Driver {
    return new ImmediateDriver(this.#config);
  }
}

class ImmediateDriver extends SqliteDriver {
  // A deferred transaction that reads first and writes later fails at once when another process has written between.
  override async beginTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw('begin immediate'));
  }
}

function adapt(database: DatabaseSync): { close(): void; prepare(sql: string): SqliteStatement } {
  const prepared = new Map<string, SqliteStatement>();
  return {
    close() {
      prepared.clear();
      database.close();
    },
    prepare(sql) {
      const known = prepared.get(sql);
      if (known) return known;
      const statement = adaptStatement(database.prepare(sql));
      const oldest = prepared.size >= MAX_STATEMENTS ? prepared.keys().next().value : undefined;
      if (oldest !== undefined) prepared.delete(oldest);
      prepared.set(sql, statement);
      return statement;
    },
  };
}

function adaptStatement(statement: StatementSync): SqliteStatement {
  // Kysely's interface says `unknown`, yet what it passes are the values our typed queries hold.
  const values = (parameters: readonly unknown[]) => parameters as SQLInputValue[];
  return {
    reader: statement.columns().length > 0,
    all: (parameters) => statement.all(...values(parameters)),
    run: (parameters) => statement.run(...values(parameters)),
    iterate: (parameters) => statement.iterate(...values(parameters)),
  };
}
