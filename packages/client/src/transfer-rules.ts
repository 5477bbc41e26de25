// The client's rules of a transfer for whoever tries them as a whole (tests/src/model): pure functions, nothing else.
export * from './switcher.ts';
export * from './transfer.ts';
