// The sound of a room, mixed: each listener hears everybody but themselves. Everything happens inside Janus, by RTP on its
// own machine: for each listener there is a room of the AudioBridge; the VideoRoom forwards the sound of everybody else to
// participants in it; the mix goes to a mountpoint of the Streaming plugin, which is offered to the listener. A room for
// each, because a participant by plain RTP hears the mix at the address it speaks from only, and VideoRoom does not listen.
import { ParleyError } from '@parley/protocol';
import {
  type AdminKey,
  createdSchema,
  forwardedSchema,
  type JanusId,
  mountpointSchema,
  rtpJoinedSchema,
} from './messages.ts';
import { openMixListener } from './mix-listener.ts';
import type { Handle, Session } from './session.ts';
import type { Feed } from './source.ts';
import type { Subscriber, SubscriberEvents } from './subscriber.ts';

export const AUDIO_BRIDGE = 'janus.plugin.audiobridge';
export const STREAMING = 'janus.plugin.streaming';

/** Opus, between the plugins. */
const PAYLOAD_TYPE = 111;
/** Packets of 20 ms each participant's sound waits for: on one machine, none comes late. */
const PREBUFFER = 2;
/** Where the plugins send each other sound. */
const HERE = '127.0.0.1';

export interface MixOptions {
  readonly session: Session;
  /** The room in the VideoRoom, and a handle there. */
  readonly room: JanusId;
  readonly control: Handle;
  /** What handles are marked with, and what the rooms and mountpoints here are described by. */
  readonly mark: string;
  readonly description: string;
  readonly key: AdminKey;
  readonly log: (event: string, details: Record<string, unknown>) => void;
}

export interface Mix {
  /** The sound of each device, by its present feed. */
  hear(voices: ReadonlyMap<string, Feed>): void;
  /** Opens a leg on which the device gets the mix. Throws `not-available` if the server cannot mix. */
  listen(leg: string, device: string, events: SubscriberEvents): Promise<Subscriber>;
  /** Frees everything. Never throws. */
  close(): Promise<void>;
}

/** Somebody else, in the room of a listener. */
interface Voice {
  readonly handle: Handle;
  readonly host: string;
  readonly port: number;
  feed: Feed | null;
  forward: JanusId | null;
}

/** A listening device. */
interface Ear {
  /** In the AudioBridge, and where that sends its mix: a mountpoint of the Streaming plugin. */
  readonly room: JanusId;
  readonly mountpoint: JanusId;
  readonly voices: Map<string, Voice>;
  legs: number;
}

export function createMix({ session, room, control, mark, description, key, log }: MixOptions): Mix {
  const ears = new Map<string, Ear>();
  let wanted: ReadonlyMap<string, Feed> = new Map();
  /** For requests about rooms and mountpoints, as long as somebody listens. */
  let plugins: { readonly bridge: Handle; readonly streaming: Handle } | null = null;
  let work: Promise<unknown> = Promise.resolve();
  let over = false;

  /** One change at a time. */
  function inTurn<T>(task: () => Promise<T>): Promise<T> {
    const done = work.then(task);
    work = done.catch(() => undefined);
    return done;
  }

  async function quietly(what: string, task: () => Promise<unknown>): Promise<void> {
    await task().catch((error: unknown) => log('janus-mix', { what, error: String(error) }));
  }

  async function open() {
    if (plugins) return plugins;
    const [bridge, streaming] = await Promise.all(
      [AUDIO_BRIDGE, STREAMING].map((plugin) => session.attach(plugin, mark, () => undefined)),
    );
    if (!bridge || !streaming) throw new ParleyError('not-available');
    plugins = { bridge, streaming };
    return plugins;
  }

  async function addEar(device: string): Promise<Ear> {
    const { bridge, streaming } = await open();
    const present = ears.get(device);
    if (present) return present;
    const shared = { request: 'create', ...key, description, is_private: 'admin_key' in key };
    const mounted = await streaming.message({
      ...shared,
      type: 'rtp',
      media: [{ type: 'audio', mid: '0', port: 0, pt: PAYLOAD_TYPE, codec: 'opus', iface: HERE }],
    });
    const { stream } = mountpointSchema.parse(mounted.data);
    try {
      const created = await bridge.message({
        ...shared,
        sampling_rate: 48_000,
        default_prebuffering: PREBUFFER,
        allow_rtp_participants: true,
      });
      const ear = { room: createdSchema.parse(created.data).room, mountpoint: stream.id, voices: new Map(), legs: 0 };
      ears.set(device, ear);
      await bridge.message({
        request: 'rtp_forward',
        ...key,
        room: ear.room,
        host: HERE,
        host_family: 'ipv4',
        port: stream.ports[0].port,
        codec: 'opus',
        ptype: PAYLOAD_TYPE,
        // Silence, too: a listener who is alone is connected all the same.
        always_on: true,
      });
      return ear;
    } catch (error) {
      const ear = ears.get(device);
      if (ear) await removeEar(device, ear);
      else await unmount(stream.id);
      throw error;
    }
  }

  function unmount(id: JanusId): Promise<void> {
    return quietly('unmount', async () => plugins?.streaming.message({ request: 'destroy', id, ...key }));
  }

  async function removeEar(device: string, ear: Ear): Promise<void> {
    ears.delete(device);
    for (const other of [...ear.voices.keys()]) await leave(ear, other);
    await quietly('destroy', async () => plugins?.bridge.message({ request: 'destroy', room: ear.room, ...key }));
    await unmount(ear.mountpoint);
  }

  async function join(ear: Ear): Promise<Voice> {
    const handle = await session.attach(AUDIO_BRIDGE, mark, () => undefined);
    try {
      const { data } = await handle.message({ request: 'join', room: ear.room, rtp: { payload_type: PAYLOAD_TYPE } });
      const { ip, port } = rtpJoinedSchema.parse(data).rtp;
      return { handle, host: ip, port, feed: null, forward: null };
    } catch (error) {
      await handle.detach();
      throw error;
    }
  }

  async function leave(ear: Ear, other: string): Promise<void> {
    const voice = ear.voices.get(other);
    if (!voice) return;
    ear.voices.delete(other);
    await stopForward(voice);
    await voice.handle.detach();
  }

  async function stopForward(voice: Voice): Promise<void> {
    const { feed, forward } = voice;
    voice.feed = null;
    voice.forward = null;
    if (!feed || forward === null) return;
    // Those of a publisher that has left are gone already.
    await quietly('stop', () =>
      control.message({ request: 'stop_rtp_forward', room, publisher_id: feed.feed, stream_id: forward, ...key }),
    );
  }

  async function forward(voice: Voice, feed: Feed): Promise<void> {
    await stopForward(voice);
    const { data } = await control.message({
      request: 'rtp_forward',
      room,
      publisher_id: feed.feed,
      host: voice.host,
      host_family: 'ipv4',
      streams: [{ mid: feed.mid, port: voice.port, pt: PAYLOAD_TYPE }],
      ...key,
    });
    voice.feed = feed;
    voice.forward = forwardedSchema.parse(data).forwarders[0].stream_id;
  }

  /** Brings the AudioBridge to who speaks and who listens now. */
  async function settle(): Promise<void> {
    for (const [device, ear] of [...ears]) {
      if (ear.legs === 0) await removeEar(device, ear);
      else await fill(device, ear);
    }
    if (ears.size > 0 || !plugins) return;
    const { bridge, streaming } = plugins;
    plugins = null;
    await Promise.all([bridge.detach(), streaming.detach()]);
  }

  async function fill(device: string, ear: Ear): Promise<void> {
    for (const other of [...ear.voices.keys()]) if (!wanted.has(other)) await leave(ear, other);
    for (const [other, feed] of wanted) {
      if (other === device) continue;
      await quietly('voice', async () => {
        const voice = ear.voices.get(other) ?? (await join(ear));
        ear.voices.set(other, voice);
        if (voice.feed !== feed) await forward(voice, feed);
      });
    }
  }

  return {
    hear(now) {
      wanted = now;
      if (ears.size > 0 && !over) void inTurn(settle);
    },
    async listen(leg, device, events) {
      const listening = await inTurn(async () => {
        if (over) throw new ParleyError('unknown-room');
        const ear = await addEar(device).catch((error: unknown) => {
          throw new ParleyError('not-available', 'the server cannot mix', { cause: error });
        });
        ear.legs += 1;
        return ear;
      });
      const unlisten = () => {
        listening.legs -= 1;
        if (!over) void inTurn(settle);
      };
      try {
        const made = await openMixListener(leg, listening.mountpoint, session, mark, events, unlisten);
        void inTurn(settle);
        return made;
      } catch (error) {
        unlisten();
        throw error;
      }
    },
    async close() {
      over = true;
      wanted = new Map();
      await inTurn(async () => {
        for (const ear of ears.values()) ear.legs = 0;
        await settle();
      }).catch(() => undefined);
    },
  };
}
