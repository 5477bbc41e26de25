// The engines that are measured, each in a process of its own, so that the kernel says what it uses.
import type { MediaEngine } from '@parley/media';
import { createJanusEngine } from '@parley/media/janus';
import { startJanus } from '@parley/media/janus-server';
import { createEngineProcesses } from '@parley/media/process';
import { ADDRESS } from './namespace.ts';

export interface MeasuredEngine {
  readonly engine: MediaEngine;
  /** Of the process that carries the media. Throws if there is none (yet). */
  pid(): number;
  close(): Promise<void>;
}

/** As a node opens it by default. */
async function openEmbedded(): Promise<MeasuredEngine> {
  const engine = createEngineProcesses({ listenAddress: ADDRESS, portRange: [40000, 40999] });
  return {
    engine,
    pid() {
      const [pid] = engine.pids();
      if (pid === undefined) throw new Error('the embedded engine does not run');
      return pid;
    },
    close: () => engine.close(),
  };
}

const JANUS_PORT = 8188;

/** Debian's Janus as it is installed, with the plugins and the transport that conferences need. */
async function openJanus(): Promise<MeasuredEngine> {
  const server = await startJanus({ port: JANUS_PORT, reclaimSeconds: 5 });
  const engine = createJanusEngine({ url: server.url, owner: 'bench' });
  return {
    engine,
    pid: () => server.pid,
    async close() {
      await engine.close();
      await server.close();
    },
  };
}

export const engines: Record<string, () => Promise<MeasuredEngine>> = { embedded: openEmbedded, janus: openJanus };
