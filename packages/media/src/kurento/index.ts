// Conferences on a Kurento media server.
export type { EngineLog } from './connection.ts';
export { createKurentoEngine, type KurentoEngineOptions } from './engine.ts';
