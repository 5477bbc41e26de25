// Opens the media engines that the configuration names, each by its kind; a module is loaded only where it is wanted.
import { pathToFileURL } from 'node:url';
import type { MediaEngine } from '@parley/media';
import type { Domain } from '@parley/protocol';
import type { Logger } from 'pino';
import { type EngineConfig, embeddedCount, type FocusConfig } from '../config/index.ts';
import type { PoolMember } from './engine-pool.ts';

interface Surroundings {
  readonly domain: Domain;
  /** Where recordings are kept: an engine that makes any writes below this folder. */
  readonly recordings: string;
  readonly log: Logger;
}

/** Opens all of them; nothing is asked of them yet. Errors name the engine. */
export async function openEngines(focus: FocusConfig, surroundings: Surroundings): Promise<PoolMember[]> {
  const members: PoolMember[] = [];
  const embedded = await openEmbedded(focus);
  for (const spec of focus.engines) {
    const engine = spec.kind === 'embedded' ? embedded.shift() : { engine: await openServer(spec, surroundings) };
    if (engine) members.push({ ...spec, ...engine });
  }
  return members;
}

async function openEmbedded(focus: FocusConfig): Promise<Pick<PoolMember, 'engine' | 'prepare'>[]> {
  const count = embeddedCount(focus.engines);
  if (count === 0) return [];
  const { createEngineProcesses, portRanges } = await import('@parley/media/process');
  return portRanges(focus.portRange, count).map((portRange) => {
    const engine = createEngineProcesses({ ...focus, portRange });
    return { engine, prepare: () => engine.prepare() };
  });
}

/** Loaded only here: a node without such a server needs no part of its module. */
async function openServer(spec: EngineConfig, { domain, recordings, log }: Surroundings): Promise<MediaEngine> {
  const { id, kind, url, apiSecret, adminKey, mixing } = spec;
  if (url === null) throw new Error(`focus.engines: ${id}: must say by url where the ${kind} server is`);
  // The same after a restart: rooms that were left behind there are known by it.
  const common = { url, owner: `${domain}/${id}` };
  const engineLog = log.child({ engine: id });
  if (kind === 'janus') {
    const { createJanusEngine } = await import('@parley/media/janus');
    const secrets = { ...(apiSecret ? { apiSecret } : {}), ...(adminKey ? { adminKey } : {}) };
    return createJanusEngine({
      ...common,
      ...secrets,
      mixing,
      log: (event, details) => engineLog.info(details, event),
    });
  }
  const { createKurentoEngine } = await import('@parley/media/kurento');
  return createKurentoEngine({ ...common, recordings: pathToFileURL(recordings).href, log: engineLog });
}
