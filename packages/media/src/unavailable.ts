// What a room answers to wishes its engine does not declare among its capabilities.
import { ParleyError } from '@parley/protocol';
import type { MediaRoom, SubscribeOptions } from './engine.ts';

/** Throws `not-available` if the mix is asked for. */
export function requireUnmixed(options: SubscribeOptions | undefined): void {
  if (options?.mixed) throw new ParleyError('not-available', 'this engine does not mix');
}

/** For an engine that passes on everything as it comes; those outside the node have no layers. @public */
export const withoutLayers: Pick<MediaRoom, 'prefer'> = { prefer: () => Promise.resolve() };

/** For an engine that cannot record. */
export const withoutRecording: Pick<MediaRoom, 'startRecording' | 'stopRecording'> = {
  startRecording: () => Promise.reject(new ParleyError('not-available', 'this engine does not record')),
  stopRecording: () => Promise.reject(new ParleyError('out-of-turn', 'nothing is recorded')),
};
