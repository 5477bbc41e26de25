export { createJanusEngine, type JanusEngineOptions } from './engine.ts';
