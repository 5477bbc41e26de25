// A small, complete configuration for tests: loopback only, any free port, nothing on disk.
import type { z } from 'zod';
import { type Config, configSchema } from './schema.ts';

type Input = z.input<typeof configSchema>;
type DeepPartial<T> = T extends readonly unknown[] ? T : T extends object ? { [K in keyof T]?: DeepPartial<T[K]> } : T;
export type ConfigOverrides = DeepPartial<Input>;

/**
 * The configuration of "Enterprise 1" at http://enterprise1.localhost, port chosen when listening, database in memory,
 * with the given fields in place of its own. Lists are replaced, groups are merged. Whoever starts the federation room
 * sets `federation.keyFile` to a place of its own.
 */
export function testConfig(overrides: ConfigOverrides = {}): Config {
  const base: Input = {
    provider: { domain: 'enterprise1.example', name: 'Enterprise 1' },
    http: { port: 0, origins: ['http://enterprise1.localhost:0', 'http://*.enterprise1.localhost:0'] },
    storage: { file: ':memory:' },
    signIn: {
      issuers: [
        {
          id: 'company',
          name: 'Enterprise 1',
          issuer: 'http://accounts.enterprise1.localhost:1',
          clientId: 'parley',
          clientSecret: 'for-tests-only',
          member: 'preferred_username',
        },
      ],
    },
    directory: {
      people: [
        { address: 'alice', name: 'Alice Archer' },
        { address: 'bob', name: 'Bob Baker' },
        { address: 'carol', name: 'Carol Cook' },
      ],
    },
    log: { level: 'silent' },
  };
  return configSchema.parse(merge(base, overrides));
}

function isGroup(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function merge(base: unknown, over: unknown): unknown {
  if (!isGroup(base) || !isGroup(over)) return over === undefined ? base : over;
  const result = { ...base };
  for (const [key, value] of Object.entries(over)) result[key] = merge(base[key], value);
  return result;
}
