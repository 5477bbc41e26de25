// The language all parts of Parley speak. Pure: no I/O, runs in browsers and in Node.
import './zod-setup.ts';

export * from './address.ts';
export * from './call-paths.ts';
export * from './call-roles.ts';
export * from './conversation.ts';
export * from './device.ts';
export * from './errors.ts';
export * from './events.ts';
export * from './limits.ts';
export * from './link.ts';
export * from './people.ts';
export * from './recording.ts';
export * from './recording-rules.ts';
export * from './rpc.ts';
