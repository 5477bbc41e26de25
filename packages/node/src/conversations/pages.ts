// How many events fit into one message: as many as the protocol allows, and no more bytes than a frame takes.
import { type ConversationEvent, MAX_EVENTS_PER_MESSAGE, MAX_FRAME_BYTES } from '@parley/protocol';

/** Room for the envelope and for names of fields. */
const MAX_PAGE_BYTES = MAX_FRAME_BYTES - 8 * 1024;

/** The first events that go into one message; at least one, which always fits (MAX_TEXT bounds it). */
export function firstPage(events: readonly ConversationEvent[]): ConversationEvent[] {
  const page: ConversationEvent[] = [];
  let bytes = 0;
  for (const event of events.slice(0, MAX_EVENTS_PER_MESSAGE)) {
    bytes += Buffer.byteLength(JSON.stringify(event)) + 1;
    if (bytes > MAX_PAGE_BYTES && page.length > 0) break;
    page.push(event);
  }
  return page;
}
