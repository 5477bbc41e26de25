// For tests: media engines that carry nothing, but answer, die, mix and record as the real ones say they do. The
// recording one writes a real file, so that everything behind it can be tried as it is.
import { randomUUID } from 'node:crypto';
import { EventEmitter } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type {
  EngineCapabilities,
  EngineEvents,
  MediaEngine,
  MediaRoom,
  RoomEvents,
  SubscribeOptions,
} from '@parley/media';
import { ParleyError } from '@parley/protocol';

export class SilentRoom extends EventEmitter<RoomEvents> implements MediaRoom {
  readonly id: string;
  readonly engine: SilentEngine;
  readonly present = new Set<string>();
  readonly mixed = new Map<string, boolean>();
  recordingSince: number | null = null;
  ended = false;
  constructor(id: string, engine: SilentEngine) {
    super();
    this.id = id;
    this.engine = engine;
  }
  async publish(device: string) {
    this.present.add(device);
    return { leg: 'l_0000000000000000', sdp: 'answer' };
  }
  async subscribe(device: string, options?: SubscribeOptions) {
    if (options?.mixed && !this.engine.capabilities.mixing) throw new ParleyError('not-available');
    this.mixed.set(device, options?.mixed ?? false);
  }
  async prefer() {}
  async startRecording() {
    if (!this.engine.folder) throw new ParleyError('not-available');
    if (this.recordingSince !== null) throw new ParleyError('out-of-turn');
    this.recordingSince = Date.now();
  }
  async stopRecording() {
    const { folder } = this.engine;
    if (!folder || this.recordingSince === null) throw new ParleyError('out-of-turn');
    const milliseconds = Date.now() - this.recordingSince;
    this.recordingSince = null;
    const file = join(folder, `${randomUUID()}.webm`);
    await writeFile(file, `what was heard in ${this.id}`);
    return { url: pathToFileURL(file).href, milliseconds };
  }
  async answer() {}
  async addCandidates() {}
  async remove(device: string) {
    this.present.delete(device);
  }
  devices = () => [...this.present];
  statistics = async () => [];
  async close() {
    this.end('closed');
  }
  end(reason: 'closed' | 'engine-lost') {
    if (this.ended) return;
    this.ended = true;
    this.engine.made.delete(this);
    this.emit('closed', { reason });
  }
}

/** `folder`: where it records; without one it does not. */
export class SilentEngine extends EventEmitter<EngineEvents> implements MediaEngine {
  readonly name = 'silent';
  readonly capabilities: EngineCapabilities;
  readonly folder: string | null;
  readonly made = new Set<SilentRoom>();
  dead = false;
  constructor({ mixing = false, folder = null }: { mixing?: boolean; folder?: string | null } = {}) {
    super();
    this.capabilities = { forwarding: true, mixing, recording: folder !== null, layers: false, speaker: false };
    this.folder = folder;
  }
  async createRoom({ id }: { id: string }) {
    if (this.dead) throw new ParleyError('engine-lost');
    const room = new SilentRoom(id, this);
    this.made.add(room);
    return room;
  }
  rooms = () => [...this.made].map(({ id }) => id);
  die() {
    this.dead = true;
    for (const room of [...this.made]) room.end('engine-lost');
    this.emit('lost');
  }
  async close() {
    for (const room of [...this.made]) room.end('closed');
  }
}
