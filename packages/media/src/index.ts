// The one interface of every media engine. Each engine has an entry of its own, so that nobody loads what they do not use.
export * from './engine.ts';
