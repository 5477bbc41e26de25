// The host's rules of a call for whoever tries them as a whole (tests/src/model): pure functions, nothing else.
export * from './audience.ts';
export * from './consequences.ts';
export * from './decide.ts';
