// Flow 3 (R42-R45): across companies. Alice uses Enterprise 2's own app, Bob and Carol are at Enterprise 1.
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
import { addThird, callIdentity, checkNoServerCarriesMedia, converse, leave, waitForLegs } from './steps.ts';

export async function flow3(stage: Stage, step: Step): Promise<void> {
  const { figures } = stage;
  const [a, b, c] = await step('Alice signs in at Enterprise 2, Bob and Carol at Enterprise 1', () =>
    Promise.all([stage.actor('alice'), stage.actor('bob'), stage.actor('carol')]),
  );
  await step('Alice calls Bob by his address alone, and it rings in the other company (R43, R44)', async () => {
    figures.ringAcrossMs = await call(a, b);
    await by(b, 'incoming-from').getByText(a.person.name).first().waitFor();
    await by(b, 'incoming').getByText(a.person.company).first().waitFor();
  });
  await step('Bob sees before answering that it is proven to be Alice (R5, R7, R46)', () => sees(b, a, 'verified'));
  await step('Bob accepts: both see and hear each other', async () => {
    const { frameMs, soundMs } = await accept(b, a);
    figures.firstFrameMs ??= frameMs;
    figures.firstSoundMs ??= soundMs;
    await converse([a, b]);
    await allVerified([a, b]);
  });
  await step('The call is peer-to-peer: no media on any server of either company (R32)', async () => {
    await onPath([a, b], 'direct');
    await checkDirectlyConnected(a, b);
    await checkNoServerCarriesMedia(stage);
  });
  const before = await callIdentity(a);
  await step('Bob adds Carol: the running call moves to a conference, Alice with it (R45)', async () => {
    const ms = await addThird(b, c, [a, b]);
    figures.addToSeenMs ??= ms;
    await converse([a, b, c]);
    await allVerified([a, b, c]);
  });
  await step('The peer-to-peer path is closed, and nobody is heard twice (R35)', async () => {
    await onPath([a, b, c], 'conference');
    await checkSoundIsSingle([a, b, c]);
  });
  await step('The conference is Enterprise 1’s alone, the adder’s company (R45)', async () => {
    await waitForLegs(stage, a, 'enterprise1', true);
    await waitForLegs(stage, a, 'enterprise2', false);
    const after = await callIdentity(a);
    if (after.conversation !== before.conversation) throw new Error('another conversation');
    if (after.answeredAt !== before.answeredAt) throw new Error('the clock was set anew');
  });
  await step('Alice leaves; Bob and Carol go on, peer-to-peer again (R41, R45)', async () => {
    await leave(a);
    await onPath([b, c], 'direct');
    await converse([b, c]);
    await waitForLegs(stage, b, 'enterprise1', false);
  });
  await step('Carol hangs up; the call is over for Bob', async () => {
    await leave(c);
    await by(b, 'call-ended').waitFor();
  });
}
