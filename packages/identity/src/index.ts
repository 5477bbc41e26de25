// Proof of who speaks: a key of the device, bound to the person's sign-in, signs what the media of a call are encrypted
// with; the other side's client verifies it without trusting any server between. Pure but for WebCrypto.
export * from './device-key.ts';
export * from './issuers.ts';
export * from './proof.ts';
export * from './replay.ts';
export * from './statements.ts';
export * from './trust.ts';
export * from './verify.ts';
