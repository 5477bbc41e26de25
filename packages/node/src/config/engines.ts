// The part of the configuration that names media engines, each with a weight and limits.
import { isLoopbackHost } from '@parley/protocol';
import { z } from 'zod';

const engineConfig = z.strictObject({
  id: z
    .string()
    .regex(/^[a-z0-9][a-z0-9-]{0,31}$/, 'must be lower-case letters, digits and hyphens, at most 32')
    .describe('A short name of your choice, for the log and for draining.'),
  kind: z
    .enum(['embedded', 'janus', 'kurento'])
    .describe(
      'embedded: in processes of this node, with nothing else installed. janus, kurento: a media server that runs ' +
        'elsewhere.',
    ),
  url: z
    .url({ protocol: /^wss?$/, error: 'must be a URL that begins with ws:// or wss://' })
    .max(300)
    .nullable()
    .default(null)
    .describe('The WebSocket address of a janus or kurento server; null for embedded.'),
  apiSecret: z
    .string()
    .min(1)
    .max(300)
    .optional()
    .describe('The api_secret of a janus server; left out if it has none.'),
  adminKey: z
    .string()
    .min(1)
    .max(300)
    .optional()
    .describe('The admin_key of the plugins of a janus server; left out if they have none.'),
  mixing: z
    .boolean()
    .default(false)
    .describe(
      'Only for janus: whether the server has AudioBridge and Streaming, which compose the sound for whoever asks for the ' +
        'mix. A kurento server says by itself what it can do.',
    ),
  weight: z
    .number()
    .positive()
    .max(1000)
    .default(1)
    .describe('How much it carries beside the others: one of weight 2 gets twice the devices of one of weight 1.'),
  maxRooms: z.int().min(1).max(100_000).default(500).describe('Most conferences at a time; more are refused.'),
  maxDevices: z
    .int()
    .min(3)
    .max(1_000_000)
    .default(1500)
    .describe('Most devices in all its conferences; whoever would be one more is refused.'),
  drain: z
    .boolean()
    .default(false)
    .describe(
      'true: no new conference begins there and those that run are moved to other engines. Looked at again when the ' +
        'node gets SIGHUP.',
    ),
});
export type EngineConfig = z.infer<typeof engineConfig>;

export const enginesConfig = z
  .array(engineConfig)
  .min(1)
  .max(16)
  .prefault([{ id: 'embedded', kind: 'embedded' }])
  .describe(
    'The media engines that carry conferences. listenAddress, announcedAddress, portRange and processes are for embedded ones.',
  );

type Report = (path: (string | number)[], message: string) => void;

/** What no single field can tell. */
export function checkEngines(engines: readonly EngineConfig[], report: Report): void {
  const ids = new Set<string>();
  for (const [index, { id, kind, url }] of engines.entries()) {
    const at = ['focus', 'engines', index];
    if (ids.has(id)) report([...at, 'id'], 'must be different for each engine');
    ids.add(id);
    if (kind === 'embedded' && url !== null) report([...at, 'url'], 'is for janus and kurento only');
    if (kind !== 'embedded' && url === null) report(at, `must say by url where the ${kind} server is`);
    if (kind !== 'janus' && engines[index]?.mixing) report([...at, 'mixing'], 'is for janus only');
    // Whoever can read or change what passes there can listen in, and these servers ask nobody who they are.
    if (url?.startsWith('ws:') && !isPrivateHost(new URL(url).hostname)) {
      report([...at, 'url'], 'must begin with wss:// (ws:// is for this machine and private networks only)');
    }
  }
}

/** How many share the ports of this node. */
export function embeddedCount(engines: readonly EngineConfig[]): number {
  return engines.filter(({ kind }) => kind === 'embedded').length;
}

function isPrivateHost(host: string): boolean {
  if (isLoopbackHost(host) || !host.includes('.')) return true;
  return /^(10\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.)/.test(host) || /\.(internal|local|lan)$/.test(host);
}
