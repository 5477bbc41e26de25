// Who is speaking, out of what the VideoRoom says of each feed: it begins to talk, it stops. Several may talk at once:
// the one who began last is the speaker, and after them the one who began before and still talks.
import { z } from 'zod';
import { type JanusId, janusIdSchema } from './messages.ts';

const talkSchema = z.object({ videoroom: z.enum(['talking', 'stopped-talking']), id: janusIdSchema });

export interface Speakers {
  /** What the VideoRoom says to everybody; anything but talk is ignored. */
  told(data: Record<string, unknown>): void;
  gone(feed: JanusId): void;
}

/** `changed` is called with the feed that speaks now, null: nobody. */
export function createSpeakers(changed: (feed: JanusId | null) => void): Speakers {
  let talking: JanusId[] = [];
  let speaker: JanusId | null = null;

  function become(now: JanusId[]): void {
    talking = now;
    const last = talking.at(-1) ?? null;
    if (last === speaker) return;
    speaker = last;
    changed(speaker);
  }

  return {
    told(data) {
      const talk = talkSchema.safeParse(data);
      if (!talk.success) return;
      const { videoroom, id } = talk.data;
      // Everybody in the room is told, so each thing is heard many times.
      if (videoroom === 'stopped-talking') become(talking.filter((feed) => feed !== id));
      else if (!talking.includes(id)) become([...talking, id]);
    },
    gone: (feed) => become(talking.filter((other) => other !== feed)),
  };
}
