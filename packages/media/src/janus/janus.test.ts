// A real Janus keeps the contract of media engines, with real browsers; and what is special to a server elsewhere: cuts,
// restarts, what an earlier process has left behind.

import { after } from 'node:test';
import { testMediaEngine } from '../contract.ts';
import { createJanusEngine } from './index.ts';
import { inNamespace, startJanus } from './test-server.ts';

if (await inNamespace(import.meta.filename)) {
  const server = await startJanus({ port: 8188, reclaimSeconds: 30 });
  after(() => server.close());
  let engines = 0;
  const create = () => {
    engines += 1;
    return createJanusEngine({ url: server.url, admin: server.admin, owner: `test-${engines}`, mixing: true });
  };
  testMediaEngine(create, { forwarding: true, mixing: 'sound', recording: false, layers: false, speaker: true });
}
