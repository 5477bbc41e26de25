// One provider's node: opens every room and connects them. The only file that knows them all.
// `node main.ts --config FILE` runs one; with a command (`policy explain FROM TO`, `keys rotate`, `keys retire`) it answers
// instead. SIGHUP: it reads again which media engines are drained. `startNode` starts one inside another program.
import { parseArgs } from 'node:util';
import { LINK_STATEMENT } from '@parley/identity';
import { type Address, type ClientSettings, type ConferenceNeeds, type DeviceId, parseAddress } from '@parley/protocol';
import { WebSocketServer } from 'ws';
import { type Config, loadConfig } from './config/index.ts';
import { createConversations, mayLendRoom, TICKET_TYPE } from './conversations/index.ts';
import { createDirectory } from './directory/index.ts';
import { createFederation } from './federation/index.ts';
import { retireKeys, rotateKeys } from './federation/keys.ts';
import { createEnginePool } from './focus/engine-pool.ts';
import { openEngines } from './focus/engines.ts';
import { createFocus } from './focus/index.ts';
import { createProbes } from './focus/probe.ts';
import type { Guests } from './guests/api.ts';
import { createGuests } from './guests/index.ts';
import { createLog } from './operations/log.ts';
import type { Policy } from './policy/api.ts';
import { explainGuests, explainPolicy } from './policy/explain.ts';
import { createPolicy, readRules } from './policy/index.ts';
import { noRules } from './policy/rules.ts';
import { addRecordings } from './recordings/index.ts';
import { createRecordingStore } from './recordings/store.ts';
import { addRelay } from './relay/index.ts';
import { createSignIn } from './sign-in/index.ts';
import { createDeviceStore, createDevices, MAX_PAYLOAD } from './signalling/index.ts';
import { openStorage } from './storage/index.ts';
import { iceServersFor, keepRenewing } from './turn/index.ts';
import { createWeb, refuseUpgrade } from './web/index.ts';

export interface RunningNode {
  /** The public origin, for people's browsers. */
  readonly origin: string;
  readonly port: number;
  /** Takes up what may change while it runs: which media engines are drained. */
  reload(config: Config): void;
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
    guests: {
      identified: (guest) => guests.identified(guest),
      became: (guest, person) => guests.became(guest, person),
    },
    vouch: (claims) => signer.sign(LINK_STATEMENT, claims, config.signIn.sessionHours * 3600),
  });
  const pool = config.focus.enabled
    ? createEnginePool({
        members: await openEngines(config.focus, {
          domain: provider.domain,
          recordings: config.recordings.folder,
          log,
        }),
        log: log.child({ room: 'focus' }),
      })
    : null;
  const recordings = await createRecordingStore({ config: config.recordings, storage, log });

  const policy = createPolicy({ file: config.policy.file, log: log.child({ room: 'policy' }) });
  const settingsFor = (address: Address, device: DeviceId): ClientSettings => ({
    ...clientSettings(config, policy, guests, address, web.origin, pool?.offers() ?? {}),
    iceServers: iceServersFor(config.iceServers, device, Date.now()),
  });
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
    pool,
    recordings: { store: recordings, maxMinutes: config.recordings.maxMinutes },
    emptySeconds: config.focus.emptySeconds,
    ticketType: TICKET_TYPE,
    devices,
    federation,
    signer,
    log,
    mayLend: async (host, id) => mayLendRoom(await conversations.state(id), id, host, provider.domain),
    passFor: (...wanted) => conversations.pass(...wanted),
    report: (id, room, report) => conversations.roomReport(provider.domain, id, room, report),
  });
  const probes = createProbes({ pool, devices });
  federation.handle('focus.report', async (from, { conversation, room, report }) => {
    await conversations.roomReport(from, conversation, room, report);
    return {};
  });
  const guests = createGuests({
    provider,
    linkMinutes: config.guests.linkMinutes,
    sessionHours: config.signIn.sessionHours,
    storage,
    web,
    signIn,
    devices,
    conversations: () => conversations,
    policy,
    log,
  });
  await guests.restore();
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
    released: (id, guest) => guests.released(id, guest),
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
  addRecordings({
    domain: provider.domain,
    web,
    signIn,
    federation,
    conversations: () => conversations,
    store: recordings,
  });
  addRelay({ own: provider.domain, web, signIn, federation });
  policy.on('changed', () => devices.tellSettings(settingsFor));
  const stopRenewing = keepRenewing(config.iceServers, () => devices.tellSettings(settingsFor));
  signIn.on('ended', ({ id, reason }) => devices.endSession(id, reason));

  const { port } = await web.listen();
  await conversations.resume();
  pool?.start();
  return {
    origin: web.origin,
    port,
    reload({ focus: { engines } }) {
      pool?.drain(new Set(engines.filter(({ drain }) => drain).map(({ id }) => id)));
    },
    async stop() {
      stopRenewing();
      await devices.endAll('shutting-down');
      await conversations.close();
      directory.close();
      probes.close();
      await focus.close();
      recordings.close();
      await federation.close();
      signIn.close();
      policy.close();
      await web.close();
      await storage.destroy();
    },
  };
}

function clientSettings(
  config: Config,
  policy: Policy,
  guests: Guests,
  address: Address,
  origin: string,
  offers: ConferenceNeeds,
): Omit<ClientSettings, 'iceServers'> {
  const guest = guests.settingsFor(address);
  const { hosts } = config.federation;
  // Where domains are not found by DNS, our own is not either.
  const own = Object.keys(hosts).length > 0 ? { [config.provider.domain]: origin } : {};
  return {
    connectWhileRinging: config.calls.connectWhileRinging,
    paths: config.calls.paths,
    requiredTrust: config.calls.requiredTrust,
    trustRules: policy.trustRulesFor(address, config.calls.requiredTrust),
    hosts: { ...hosts, ...own },
    conference: { mixing: offers.mixing ?? false, recording: offers.recording ?? false },
    ringSeconds: config.calls.ringSeconds,
    heartbeatSeconds: config.sessions.heartbeatSeconds,
    ...(guest ? { guest } : {}),
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
  if (topic === 'policy' && verb === 'explain' && who[1] === 'guests' && who.length === 2) {
    const inviting = parseAddress(who[0] ?? '');
    const { file } = config.policy;
    if (inviting) return explainGuests(file === null ? noRules : readRules(file), inviting);
  }
  const [from, to, ...more] = who.map(parseAddress);
  if (topic !== 'policy' || verb !== 'explain' || !from || !to || more.length > 0) {
    throw new Error(
      'Unknown command. There are: policy explain FROM TO (two addresses), policy explain FROM guests, keys rotate, keys retire',
    );
  }
  const { file } = config.policy;
  return explainPolicy(file === null ? noRules : readRules(file), from, to);
}

const USAGE = `Use: node packages/node/src/main.ts --config FILE    runs a node until SIGTERM or Ctrl-C
     … --config FILE policy explain FROM TO       says which rule decides a call, and how
     … --config FILE keys rotate                  adds a new domain key
     … --config FILE keys retire                  removes all but the newest`;

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    options: { config: { type: 'string' }, help: { type: 'boolean', short: 'h' } },
    allowPositionals: true,
  });
  if (values.help) return console.log(USAGE);
  if (!values.config) throw new Error(`Say which configuration: --config FILE (see parley.example.yaml)\n\n${USAGE}`);
  const file = values.config;
  const config = loadConfig(file);
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
  process.on('SIGHUP', () => {
    try {
      node.reload(loadConfig(file));
    } catch (error) {
      // The node goes on as it is.
      console.error(error instanceof Error ? error.message : error);
    }
  });
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
