// The embedded engine outside the node's own process.
export { createEngineProcesses, type EngineProcesses, type EngineProcessOptions, portRanges } from './engine.ts';
