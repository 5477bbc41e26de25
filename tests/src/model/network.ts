// The model's network: whose sound and picture really gets to whom, and on which path. What a device has noticed of it
// may be older; that is in its ends.
import type { SourceKey } from '@parley/client/transfer-rules';
import type { Address } from '@parley/protocol';
import type { Device, End, World } from './types.ts';

export const deviceAt = (world: World, address: Address | null) =>
  world.devices.find((device) => device.address === address);

const up = (end: End) => end.state === 'connecting' || end.state === 'connected';

/** The other end of a direct path, while it is there. */
export function counterpart(world: World, d: Device, end: End): End | undefined {
  const peer = deviceAt(world, end.peer);
  if (!peer?.alive || peer.over) return undefined;
  return [...peer.open.values()].findLast((e) => e.peer === d.address && e.line.epoch === end.line.epoch && up(e));
}

export const roomIsUp = (world: World, end: End) => end.room !== null && world.rooms.get(end.room)?.state === 'lent';

/** Whether this end can carry anything at all now. */
export function connected(world: World, d: Device, end: End): boolean {
  if (end.state !== 'connected') return false;
  return end.room === null ? counterpart(world, d, end)?.state === 'connected' : roomIsUp(world, end);
}

/** What really arrives at this end now. */
export function arriving(world: World, d: Device, end: End): SourceKey[] {
  if (!connected(world, d, end)) return [];
  const keys: SourceKey[] = [];
  for (const other of world.devices) {
    if (!sends(world, d, end, other)) continue;
    keys.push(other.sound);
    if (other.switches.camera) keys.push(other.picture);
  }
  return keys;
}

function sends(world: World, d: Device, end: End, other: Device): boolean {
  if (other === d || !other.alive || other.over || other.open.size === 0) return false;
  if (end.room === null) return other.address === end.peer && counterpart(world, d, end)?.sending === true;
  for (const e of other.open.values()) if (e.room === end.room && e.state === 'connected' && e.sending) return true;
  return false;
}

/** What the device sees offered on this end, flowing or not. */
export function sourcesOn(world: World, d: Device, end: End): Set<SourceKey> {
  const seen = new Set(end.flowing);
  const peer = end.state === 'connecting' ? undefined : deviceAt(world, end.peer);
  if (peer) return seen.add(peer.sound).add(peer.picture);
  for (const key of arriving(world, d, end)) seen.add(key);
  return seen;
}

/** The lines by which `from` is really heard on this device: it flows, and has been noticed to. */
export function heardBy(world: World, d: Device, from: Device): number[] {
  const lines: number[] = [];
  for (const [line, end] of d.open)
    if (end.flowing.has(from.sound) && connected(world, d, end) && sends(world, d, end, from)) lines.push(line);
  return lines;
}
