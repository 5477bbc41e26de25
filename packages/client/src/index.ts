// The SDK's door. Types are in api.ts.
export type * from './api.ts';
export { enterByLink, invitation } from './guest-link.ts';
export { nodeInfo } from './http.ts';
export { connect } from './session.ts';
export { explainTrust, type TrustExplained, type TrustLine } from './trust-explained.ts';
