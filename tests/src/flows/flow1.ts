// Flow 1 (R20-R31): one company, a conference from the start.
import { accept, allVerified, by, call, expectNotice, onPath, sees } from '../harness/actor.ts';
import type { Stage, Step } from './stage.ts';
import { addThird, converse, leave, sendsToConference, waitForLegs } from './steps.ts';

export async function flow1(stage: Stage, step: Step): Promise<void> {
  const { figures } = stage;
  const [a, b, c] = await step('Bob, Carol and Erin of Enterprise 1 sign in with their passwords', () =>
    Promise.all([stage.actor('bob'), stage.actor('carol'), stage.actor('erin')]),
  );
  await step('Bob calls Carol by way of the conference service, and it rings', async () => {
    const ms = await call(a, b, 'conference');
    figures.ringMs ??= ms;
    await by(b, 'incoming-from').getByText(a.person.name).first().waitFor();
    await by(b, 'incoming').getByText(a.person.company).first().waitFor();
  });
  await step('Bob’s media reach the conference before Carol answers (R20)', async () => {
    await sendsToConference(a);
    await waitForLegs(stage, a, 'enterprise1', true);
  });
  await step('Carol is told that Bob is connected (R21)', async () => {
    await by(b, 'caller-connected').waitFor();
  });
  await step('Carol sees before answering that it is proven to be Bob (R5, R7)', () => sees(b, a, 'verified'));
  await step('Carol accepts: both see and hear each other (R22)', async () => {
    const { frameMs, soundMs } = await accept(b, a);
    figures.firstFrameMs ??= frameMs;
    figures.firstSoundMs ??= soundMs;
    await converse([a, b]);
    await allVerified([a, b]);
  });
  await step('No two of them are connected directly (R25)', () => onPath([a, b], 'conference'));
  const told = expectNotice(a, 'joined', 'Erin');
  await step(
    'Carol, who did not start the call, adds Erin, and all three see and hear each other (R24, R25, R27)',
    async () => {
      const ms = await addThird(b, c, [a, b]);
      figures.addToSeenMs ??= ms;
      await converse([a, b, c]);
      await onPath([a, b, c], 'conference');
    },
  );
  await step('Bob is told that Erin has joined (R18)', told);
  await step('Erin leaves; the others are told and go on undisturbed (R18, R28)', async () => {
    const toldOfLeaving = expectNotice(a, 'left', 'Erin');
    await leave(c);
    await toldOfLeaving();
    await converse([a, b]);
    await onPath([a, b], 'conference');
  });
  await step('Bob hangs up; the call is over for Carol, and the room is freed (R29)', async () => {
    await leave(a);
    await by(b, 'call-ended').waitFor();
    await waitForLegs(stage, a, 'enterprise1', false);
  });
}
