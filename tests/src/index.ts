// For measurements that need the same people at the same browsers: the harness and the stage.
export { killEngines } from './flows/mishaps.ts';
export * from './flows/stage.ts';
export * from './flows/steps.ts';
export * from './harness/actor.ts';
export * from './harness/browser.ts';
export * from './harness/senses.ts';
export * from './harness/waiting.ts';
