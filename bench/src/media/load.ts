// One conference under load on one engine: who sends, who receives, and what is counted while they do. Engines are driven
// through the interface that the product's focus uses, and nothing else.
import type { EngineOffer, MediaRoom } from '@parley/media';
import { busySeconds, memoryOf, processorSeconds } from '../proc.ts';
import { monotonicMs, until } from './clock.ts';
import { withCandidatesApart } from './descriptions.ts';
import { type Figures, figuresOf, type Stream } from './figures.ts';
import { type Generator, startGenerator } from './generators.ts';
import { SILENT_PER_SECOND, SPEAKING_PER_SECOND } from './packets.ts';

export interface Shape {
  readonly senders: number;
  readonly receivers: number;
  /** The receivers are the senders themselves, and get what the others send. */
  readonly everybody: boolean;
  /** How many of the senders speak; the others' microphones send now and then. */
  readonly speaking: number;
  /** Pictures are received of the first so many senders only (last-N). */
  readonly pictures: number;
}

export interface Load {
  /** @param pid of the engine @param videoPerSecond packets per second of each picture */
  measure(pid: number, videoPerSecond: number, seconds: number): Promise<Figures>;
  close(): Promise<void>;
}

const JOIN_MS = 40_000;
/** After a change of the rate, before anything counts. */
const WARM_UP_MS = 1500;
const CONTROL = 0xffff;
const CONTROL_LEG = 'control';
/** Beside the one of the probe. */
const RECEIVING_PROCESSES = 2;

/** Brings everybody into the room; resolves when every receiver gets everything it should. */
export async function openLoad(room: MediaRoom, shape: Shape, videoPerSecond: number): Promise<Load> {
  const { senders, receivers, everybody, speaking, pictures } = shape;
  const sending = startGenerator();
  // One receiver has a process to itself, which is hardly ever busy: the delay it measures is the engine's, not its own.
  const probe = startGenerator();
  const others = Array.from({ length: RECEIVING_PROCESSES }, startGenerator);
  const generators = [sending, probe, ...others];
  const indexOf = (device: string) => Number(device.slice(1));
  const devices = Array.from({ length: receivers }, (_, index) => `d${everybody ? index : senders + index}`);
  const probed = devices.at(-1);
  const generatorOf = (device: string): Generator =>
    device === probed ? probe : (others[indexOf(device) % others.length] ?? probe);
  const legs = new Map<string, { device: string; streams: Stream[] }>();
  const { promise: taken, resolve: allTaken, reject: failed } = Promise.withResolvers<void>();
  taken.catch(() => undefined);

  const streamsFor = (device: string): number => {
    const self = indexOf(device);
    return senders - (self < senders ? 1 : 0) + (pictures - (self < pictures ? 1 : 0));
  };
  const streamsOf = (device: string): number =>
    [...legs.values()].reduce((sum, leg) => sum + (leg.device === device ? leg.streams.length : 0), 0);

  async function answer({ device, leg, revision, sdp, sources }: EngineOffer): Promise<void> {
    const wanted = sources.filter(({ kind, publisher }) => kind === 'audio' || indexOf(publisher) < pictures);
    const mids = wanted.map(({ mid }) => mid);
    // Nor is the receiving side told how to reach an engine on that library before the engine has its answer.
    const offered = withCandidatesApart(sdp).sdp;
    await room.answer(leg, revision, await generatorOf(device).ask('receive', leg, offered, mids));
    legs.set(leg, { device, streams: wanted.map(({ kind, publisher }) => ({ kind, sender: indexOf(publisher) })) });
    if (devices.every((one) => streamsOf(one) === streamsFor(one))) allTaken();
  }

  async function join(): Promise<void> {
    for (let index = 0; index < senders; index += 1) {
      const offer = await sending.ask('send', index, index < speaking, videoPerSecond);
      // The library that sends fails if it is reached before it has the answer, so the other side is not told how before.
      const { sdp, candidates } = withCandidatesApart(offer);
      const answered = await room.publish(`d${index}`, sdp);
      await sending.ask('accept', index, answered.sdp);
      await room.addCandidates(
        answered.leg,
        candidates.map((candidate) => ({ candidate, sdpMid: '0', sdpMLineIndex: 0 })),
      );
    }
    // The same packets without an engine between: what remains of a delay then is the generators' own.
    const { sdp } = withCandidatesApart(await sending.ask('send', CONTROL, true, 0));
    await sending.ask('accept', CONTROL, await probe.ask('receive', CONTROL_LEG, sdp, ['0']));
    for (const device of devices) await room.subscribe(device);
    await inTime(taken, 'not everybody was offered everything');
    const flowing = [probe, ...others].map((generator) => {
      const own = [...legs].filter(([, { device }]) => generatorOf(device) === generator);
      const streams = own.map(([leg, one]) => [leg, one.streams.length] as const);
      return generator.ask('flowing', Object.fromEntries(streams));
    });
    await inTime(Promise.all(flowing), 'not everything that was offered has come');
  }

  async function close(): Promise<void> {
    room.removeAllListeners();
    await Promise.all(generators.map((generator) => generator.close()));
  }

  room.on('offer', (offer) => void answer(offer).catch(failed));
  room.once('legLost', ({ leg }) => failed(new Error(`the engine has lost the leg ${leg}`)));
  room.once('closed', ({ reason }) => failed(new Error(`the room has ended: ${reason}`)));
  try {
    await join();
  } catch (error) {
    await close();
    throw error;
  }

  async function used(pid: number, moment: number): Promise<{ engine: number; generators: number; busy: number }> {
    await until(moment);
    const busy = await busySeconds();
    const [engine, ...all] = await Promise.all([pid, ...generators.map((one) => one.pid)].map(processorSeconds));
    return { engine: engine ?? 0, generators: all.reduce((sum, one) => sum + one, 0), busy };
  }

  return {
    close,
    async measure(pid, perSecond, seconds) {
      await sending.ask('rate', perSecond);
      const from = monotonicMs() + WARM_UP_MS;
      const to = from + seconds * 1000;
      const counting = Promise.all(generators.map((generator) => generator.ask('count', { from, to })));
      const before = await used(pid, from);
      const after = await used(pid, to);
      const memory = await memoryOf(pid);
      const sound = speaking * SPEAKING_PER_SECOND + (senders - speaking) * SILENT_PER_SECOND;
      return figuresOf({
        videoPerSecond: perSecond,
        seconds,
        planned: (senders * perSecond + sound) * seconds,
        counts: await counting,
        legs: new Map([...legs].map(([leg, { streams }]) => [leg, streams])),
        probeLegs: new Set([...legs].flatMap(([leg, { device }]) => (device === probed ? [leg] : []))),
        controlLeg: CONTROL_LEG,
        engineSeconds: after.engine - before.engine,
        generatorSeconds: after.generators - before.generators,
        busySeconds: after.busy - before.busy,
        memory,
      });
    },
  };
}

/** Rejects if it takes longer than joining may. */
async function inTime<T>(work: Promise<T>, problem: string): Promise<T> {
  let deadline: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    deadline = setTimeout(() => reject(new Error(problem)), JOIN_MS);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(deadline);
  }
}
