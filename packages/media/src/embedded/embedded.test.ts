// The embedded engine keeps the contract of media engines, with real browsers.
import { testMediaEngine } from '../contract.ts';
import { createEmbeddedEngine } from './index.ts';

testMediaEngine(() => createEmbeddedEngine({ listenAddress: '127.0.0.1', portRange: [0, 0] }), {
  forwarding: true,
  mixing: false,
  recording: false,
});
