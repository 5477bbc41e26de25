// The configuration of a node, as the other rooms see it.
export { type EngineConfig, embeddedCount } from './engines.ts';
export { issuerProfile } from './issuer-profile.ts';
export { ConfigError, loadConfig, parseConfig, readYaml } from './load.ts';
export { matchesOrigin, parseOriginPattern } from './origins.ts';
export type * from './schema.ts';
export { configSchema } from './schema.ts';
