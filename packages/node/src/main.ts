// One provider's node: opens every room and connects them. The only file that knows them all.
// `node main.ts --config FILE` runs one; with a command (`policy explain FROM TO`, `keys rotate`, `keys retire`) it answers
// instead. `startNode` starts one inside another program.
import { parseArgs } from 'node:util';
import { LINK_STATEMENT } from '@parley/identity';
import { createEngineProcesses } from '@parley/media/process';
import { type Address, type ClientSettings, parseAddress } from '@parley/protocol';
import { WebSocketServer } from 'ws';
import { type Config, loadConfig } from './config/index.ts';
import { createConversations, mayLendRoom, TICKET_TYPE } from './conversations/index.ts';
import { createDirectory } from './directory/index.ts';
import { createFederation } from './federation/index.ts';
import { retireKeys, rotateKeys } from './federation/keys.ts';
import { createFocus } from './focus/index.ts';
import { createProbes } from './focus/probe.ts';
import { createLog } from './operations/log.ts';
import type { Policy } from './policy/api.ts';
import { explainPolicy } from './policy/explain.ts';
import { createPolicy, readRules } from './policy/index.ts';
import { noRules } from './policy/rules.ts';
import { addRelay } from './relay/index.ts';
import { createSignIn } from './sign-in/index.ts';
import { createDeviceStore, createDevices, MAX_PAYLOAD } from './signalling/index.ts';
import { openStorage } from './storage/index.ts';
import { createWeb, refuseUpgrade } from './web/index.ts';

export interface RunningNode {
  /** The public origin, for people's browsers. */
  readonly origin: string;
  readonly port: number;
  /** Tells every device, ends what is open and frees everything. */
  stop(): Promise<void>;
}

/** Starts a node. Errors name the field of the configuration that has to be changed. */
export async function startNode(config: Config): Promise<RunningNode> {
  const { provider } = config;
  const log = createLog(config.log);
  const storage = await openStorage(config.storage);
  // Some rooms need each other: what is named here before it is opened is asked only once the node listens.
  const web = createWeb({ config, log, health: () => focus.counts() });
  const signIn = createSignIn({
    config,
    storage,
    web,
    log,
    vouch: (claims) => signer.sign(LINK_STATEMENT, claims, config.signIn.sessionHours * 3600),
  });
  const engine = config.focus.enabled ? createEngineProcesses(config.focus) : null;

  const policy = createPolicy({ file: config.policy.file, log: log.child({ room: 'policy' }) });
  const settingsFor = (address: Address) => clientSettings(config, policy, address, web.origin);
  const devices = createDevices({
    store: createDeviceStore(storage, provider.name),
    sessions: config.sessions,
    settings: settingsFor,
    provider,
    log,
    historyFor: (address) => conversations.historyFor(address),
  });
  const links = await createFederation({ config, log, origin: () => web.origin });
  const { federation, signer } = links;
  const directory = createDirectory({ storage, provider, devices, federation, policy, log });
  const focus = createFocus({
    domain: provider.domain,
    engine,
    emptySeconds: config.focus.emptySeconds,
    ticketType: TICKET_TYPE,
    devices,
    federation,
    signer,
    log,
    mayLend: async (host, id) => mayLendRoom(await conversations.state(id), id, host, provider.domain),
    report: (id, room, report) => conversations.roomReport(provider.domain, id, room, report),
  });
  const probes = createProbes({ engine, devices });
  federation.handle('focus.report', async (from, { conversation, room, report }) => {
    await conversations.roomReport(from, conversation, room, report);
    return {};
  });
  await devices.restore();
  const conversations = await createConversations({
    domain: provider.domain,
    storage,
    devices,
    directory,
    federation,
    signer,
    rooms: focus.rooms,
    policy,
    paths: config.calls.paths,
    patience: {
      ring: config.calls.ringSeconds * 1000,
      transfer: config.calls.transferSeconds * 1000,
      returnToDirect: config.calls.returnToDirectSeconds * 1000,
    },
    log,
  });

  const deviceSockets = new WebSocketServer({ noServer: true, maxPayload: MAX_PAYLOAD });
  web.onUpgrade('/socket', (request, socket, head) => {
    signIn.authenticate(request).then(
      (session) => {
        if (!session) return refuseUpgrade(socket, 'not-signed-in');
        deviceSockets.handleUpgrade(request, socket, head, (open) => devices.accept(open, session));
      },
      (error: unknown) => {
        log.error({ err: error }, 'a session could not be read');
        socket.destroy();
      },
    );
  });
  if (config.federation.enabled) web.onUpgrade('/link', links.upgradeLink);
  // Also for a company on its own: its people's clients verify each other by it.
  web.app.get('/.well-known/parley', async (_request, reply) => {
    // Every page may read it.
    reply.header('access-control-allow-origin', '*');
    return links.wellKnownDocument();
  });
  addRelay({ own: provider.domain, web, signIn, federation });
  policy.on('changed', () => devices.tellSettings(settingsFor));
  signIn.on('ended', ({ id, reason }) => devices.endSession(id, reason));

  const { port } = await web.listen();
  await conversations.resume();
  engine?.prepare();
  return {
    origin: web.origin,
    port,
    async stop() {
      await devices.endAll('shutting-down');
      await conversations.close();
      directory.close();
      probes.close();
      await focus.close();
      await federation.close();
      signIn.close();
      policy.close();
      await web.close();
      await storage.destroy();
    },
  };
}

function clientSettings(config: Config, policy: Policy, address: Address, origin: string): ClientSettings {
  const { hosts } = config.federation;
  // Where domains are not found by DNS, our own is not either.
  const own = Object.keys(hosts).length > 0 ? { [config.provider.domain]: origin } : {};
  return {
    iceServers: config.iceServers,
    connectWhileRinging: config.calls.connectWhileRinging,
    paths: config.calls.paths,
    requiredTrust: config.calls.requiredTrust,
    trustRules: policy.trustRulesFor(address, config.calls.requiredTrust),
    hosts: { ...hosts, ...own },
    ringSeconds: config.calls.ringSeconds,
    heartbeatSeconds: config.sessions.heartbeatSeconds,
  };
}

/** What is asked on the command line instead of running a node. */
async function answer(config: Config, [topic, verb, ...who]: readonly string[]): Promise<string[]> {
  const { keyFile } = config.federation;
  if (topic === 'keys' && verb === 'rotate') {
    return [`There are ${await rotateKeys(keyFile)} keys now. Restart the node: the new one signs from then on.`];
  }
  if (topic === 'keys' && verb === 'retire') {
    return [`Removed ${await retireKeys(keyFile)}. Restart the node: only the newest is published from then on.`];
  }
  const [from, to, ...more] = who.map(parseAddress);
  if (topic !== 'policy' || verb !== 'explain' || !from || !to || more.length > 0) {
    throw new Error('Unknown command. There are: policy explain FROM TO (two addresses), keys rotate, keys retire');
  }
  const { file } = config.policy;
  return explainPolicy(file === null ? noRules : readRules(file), from, to);
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({ options: { config: { type: 'string' } }, allowPositionals: true });
  if (!values.config) throw new Error('Say which configuration: --config FILE (see parley.example.yaml)');
  const config = loadConfig(values.config);
  if (positionals.length > 0) {
    for (const line of await answer(config, positionals)) console.log(line);
    return;
  }
  const node = await startNode(config);
  process.send?.({ type: 'ready', origin: node.origin });
  let stopping = false;
  const stop = () => {
    if (stopping) return;
    stopping = true;
    node.stop().then(
      () => process.exit(0),
      (error: unknown) => fail(error),
    );
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  // The parent that started this node is gone: nobody else would end it.
  process.on('disconnect', stop);
}

function fail(error: unknown): never {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
}

if (import.meta.main) await main().catch(fail);
