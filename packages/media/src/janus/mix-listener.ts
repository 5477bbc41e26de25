// A receiving leg that carries the mix: a viewer of a mountpoint of Janus' Streaming plugin, offered once.
import { ParleyError } from '@parley/protocol';
import { mixedSource } from '../engine.ts';
import { receiverAnswer, sectionsOf } from './descriptions.ts';
import { type JanusId, type JanusMessage, JanusRefusal } from './messages.ts';
import type { Session } from './session.ts';
import { ANSWER_MS, type Subscriber, type SubscriberEvents } from './subscriber.ts';

/** `ended` is called once, however the leg ends. Throws what requests to Janus throw. */
export async function openMixListener(
  leg: string,
  mountpoint: JanusId,
  session: Session,
  mark: string,
  events: SubscriberEvents,
  ended: () => void,
): Promise<Subscriber> {
  let connected = false;
  let closed = false;
  let offered = false;

  function release(): void {
    closed = true;
    clearTimeout(deadline);
    void handle.detach();
    ended();
  }
  function lose(): void {
    if (closed) return;
    release();
    events.lost();
  }
  function hear({ janus }: JanusMessage): void {
    if (closed) return;
    if (janus === 'hangup' || janus === 'detached') lose();
    else if (janus === 'webrtcup' && !connected) {
      connected = true;
      events.connected();
    }
  }

  const handle = await session.attach('janus.plugin.streaming', mark, hear);
  const { jsep } = await handle.message({ request: 'watch', id: mountpoint }).catch(async (error: unknown) => {
    await handle.detach();
    throw error;
  });
  if (jsep?.type !== 'offer') {
    await handle.detach();
    throw new ParleyError('internal-error', 'Janus has not offered the mix');
  }
  const sections = sectionsOf(jsep.sdp);
  const sources = sections.map(({ mid, kind }) => ({ mid, kind, publisher: mixedSource }));
  const deadline = setTimeout(lose, ANSWER_MS);
  let answered = false;

  return {
    direction: 'subscribe',
    leg,
    handle,
    isConnected: () => connected,
    isClosed: () => closed,
    want() {
      // The room calls it as soon as the leg has its place; the mix itself is the AudioBridge's affair.
      if (offered || closed) return;
      offered = true;
      events.offer({ revision: 1, sdp: jsep.sdp, sources });
    },
    async answer(number, sdp) {
      if (closed || answered || number !== 1) return;
      const checked = receiverAnswer(sdp, sections);
      answered = true;
      clearTimeout(deadline);
      try {
        await handle.message({ request: 'start' }, { type: 'answer', sdp: checked });
      } catch (error) {
        lose();
        throw error instanceof JanusRefusal ? new ParleyError('invalid-session-description', error.details) : error;
      }
    },
    close() {
      if (!closed) release();
    },
  };
}
