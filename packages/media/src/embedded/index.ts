// The forwarding engine on the native media library.
export { createEmbeddedEngine, type EmbeddedEngineOptions } from './engine.ts';
