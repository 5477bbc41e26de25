// Flow 2 (R32-R41): one company, a peer-to-peer call that grows and shrinks again.
import {
  accept,
  allVerified,
  by,
  call,
  checkDirectlyConnected,
  checkSoundIsSingle,
  onPath,
  sees,
} from '../harness/actor.ts';
import type { Stage, Step } from './stage.ts';
import {
  addThird,
  callIdentity,
  checkNoServerCarriesMedia,
  clockOf,
  converse,
  largeIsWhoSpeaks,
  leave,
  reads,
  say,
  waitForLegs,
} from './steps.ts';

export async function flow2(stage: Stage, step: Step): Promise<void> {
  const { figures } = stage;
  const [a, b, c] = await step('Bob, Carol and Erin of Enterprise 1 sign in with their passwords', () =>
    Promise.all([stage.actor('bob'), stage.actor('carol'), stage.actor('erin')]),
  );
  await step('Bob calls Carol, and it rings', async () => {
    figures.ringMs = await call(a, b);
    await by(b, 'incoming-from').getByText(a.person.name).first().waitFor();
  });
  await step('Carol sees before answering that it is proven to be Bob (R5, R7)', () => sees(b, a, 'verified'));
  await step('Carol accepts: both see and hear each other', async () => {
    const { frameMs, soundMs } = await accept(b, a);
    figures.firstFrameMs = frameMs;
    figures.firstSoundMs = soundMs;
    await converse([a, b]);
    await allVerified([a, b]);
  });
  await step('The call is peer-to-peer: no media on any server (R32)', async () => {
    await onPath([a, b], 'direct');
    await checkDirectlyConnected(a, b);
    await checkNoServerCarriesMedia(stage);
  });
  await step('Bob writes to Carol', async () => {
    await say(a, 'Erin should see this');
    await reads(b, 'Erin should see this');
  });
  const before = await callIdentity(a);
  const clock = await clockOf(a);
  await step('Carol adds Erin: the running call moves to the conference, nobody redials (R33)', async () => {
    figures.addToSeenMs = await addThird(b, c, [a, b]);
    await converse([a, b, c]);
    await allVerified([a, b, c]);
  });
  await step('The peer-to-peer path is closed, and nobody is heard twice (R35)', async () => {
    await onPath([a, b, c], 'conference');
    await checkSoundIsSingle([a, b, c]);
    await waitForLegs(stage, a, 'enterprise1', true);
  });
  await step(
    'One picture is large: of whoever speaks, or whom Bob pins; and a muted microphone is seen (R62, R66)',
    () => largeIsWhoSpeaks(a, [b, c]),
  );
  await step('It is still the same conversation, chat and clock (R39)', async () => {
    const after = await callIdentity(a);
    if (after.conversation !== before.conversation) throw new Error('another conversation');
    if (after.answeredAt !== before.answeredAt) throw new Error('the clock was set anew');
    if ((await clockOf(a)) < clock) throw new Error('the clock went back');
    await Promise.all([reads(a, 'Erin should see this'), reads(b, 'Erin should see this')]);
  });
  await step('Erin leaves: the call of the other two returns to peer-to-peer (R41)', async () => {
    await leave(c);
    await onPath([a, b], 'direct');
    await converse([a, b]);
    await checkDirectlyConnected(a, b);
    await checkSoundIsSingle([a, b]);
    await waitForLegs(stage, a, 'enterprise1', false);
  });
  await step('Carol hangs up; the call is over for Bob', async () => {
    await leave(b);
    await by(a, 'call-ended').waitFor();
  });
}
