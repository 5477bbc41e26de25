// The forwarding engine inside the node.
export { createEmbeddedEngine, type EmbeddedEngineOptions } from './engine.ts';
