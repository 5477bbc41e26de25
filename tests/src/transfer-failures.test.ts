// Whatever goes wrong while a running call is moved, the two who talk never stop hearing each other, everybody is told
// what a person can act on, and nothing is left behind (R36 to R41, R54).
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { listen, type Mishaps, neverStopped, openMishaps } from './flows/mishaps.ts';
import { converse, leave } from './flows/steps.ts';
import {
  type Actor,
  accept,
  add,
  by,
  call,
  clickWhenThere,
  everybodyLists,
  everybodySeesAndHears,
  expectNotice,
  onPath,
} from './harness/actor.ts';
import { PATIENCE_MS } from './harness/browser.ts';
import { until } from './harness/waiting.ts';

/** What is given up is waited for; what is to succeed has to in this time, on a slow machine too. */
const TRANSFER_SECONDS = 12;
/** Longer than a transfer may take, so that nobody is let go for not answering where something else is tried. */
const RING_SECONDS = 14;

describe('a transfer that goes wrong', () => {
  let mishaps: Mishaps;
  let bob: Actor;
  let carol: Actor;
  let erin: Actor;
  const fault = (actor: Actor) => mishaps.fault(actor);

  before(async () => {
    mishaps = await openMishaps({
      calls: { ringSeconds: RING_SECONDS, transferSeconds: TRANSFER_SECONDS, returnToDirectSeconds: 1 },
    });
    const { enter } = mishaps;
    [bob, carol, erin] = await Promise.all([enter('bob'), enter('carol'), enter('erin')]);
  });
  after(() => mishaps.close());
  afterEach(() => mishaps.tidyUp());

  /** Bob and Carol talk directly, and each one's ears are on the other from here on. */
  beforeEach(async () => {
    await call(bob, carol);
    await accept(carol, bob);
    await converse([bob, carol]);
    await onPath([bob, carol], 'direct');
    await Promise.all([listen(bob, carol), listen(carol, bob)]);
  });

  /** Without the way through the window, so that two do it in the same moment. */
  const addAtOnce = (actor: Actor, other: Actor) =>
    actor.page.evaluate((address) => window.parley?.session?.call.get()?.add(address), other.person.address);
  const bothNeverStopped = () => neverStopped([bob, carol], [carol, bob]);
  const rung = (actor: Actor) => by(actor, 'incoming').waitFor();
  const rungNoMore = (actor: Actor) => by(actor, 'incoming').waitFor({ state: 'hidden' });

  it('the focus refuses one of the two: the third is let go, the adder told, the two talk on', async () => {
    const told = expectNotice(carol, 'add-failed', '');
    void fault(bob).answered('focus.join', ({ id }) => ({
      replace: {
        ...rpc,
        id: id ?? 0,
        error: { code: -32000, message: 'no', data: { code: 'no-conference-available' } },
      },
    }));
    await add(carol, erin.person.address);
    await rung(erin);
    await told();
    await rungNoMore(erin);
    await onPath([bob, carol], 'direct');
    await everybodyLists([bob, carol]);
    await bothNeverStopped();
  });

  it('the focus answers nonsense', async () => {
    const told = expectNotice(carol, 'add-failed', '');
    void fault(carol).answered('focus.join', (message) => ({
      replace: { ...message, result: { ...(message.result as object), sdp: 'v=0\r\nnonsense' } },
    }));
    await add(carol, erin.person.address);
    await told();
    await onPath([bob, carol], 'direct');
    await bothNeverStopped();
  });

  it('the focus never answers: given up in time, and said', async () => {
    const told = expectNotice(carol, 'add-failed', '');
    void fault(bob).asked('focus.join', () => 'swallow');
    await add(carol, erin.person.address);
    await told();
    await onPath([bob, carol], 'direct');
    await bothNeverStopped();
  });

  it('the focus answers late: everybody waits on the direct path, then all three talk', async () => {
    const accepted = clickWhenThere(erin, 'accept');
    void fault(bob).answered('focus.join', async (message) => {
      await bob.page.waitForTimeout(2000);
      return { replace: message };
    });
    await add(carol, erin.person.address);
    await accepted;
    await converse([bob, carol, erin]);
    await onPath([bob, carol, erin], 'conference');
    await bothNeverStopped();
  });

  it('the third declines while the call is being moved', async () => {
    const declined = fault(bob).when('focus.join', async () => {
      await by(erin, 'decline').click();
      await rungNoMore(erin);
    });
    await add(carol, erin.person.address);
    await declined;
    await everybodyLists([bob, carol]);
    await onPath([bob, carol], 'direct');
    await bothNeverStopped();
  });

  it('the third does not answer: the two are moved, and go back', async () => {
    await add(carol, erin.person.address);
    await rung(erin);
    await onPath([bob, carol], 'conference');
    await rungNoMore(erin);
    await onPath([bob, carol], 'direct');
    await bothNeverStopped();
  });

  it('the third accepts and leaves at once, in the middle of it', async () => {
    void fault(bob).when('call.ready', async () => {
      await by(erin, 'leave').click();
      await by(erin, 'stage').waitFor({ state: 'hidden' });
    });
    const accepted = clickWhenThere(erin, 'accept');
    await add(carol, erin.person.address);
    await accepted;
    await by(erin, 'stage').waitFor({ state: 'hidden', timeout: PATIENCE_MS });
    await everybodyLists([bob, carol]);
    await onPath([bob, carol], 'direct');
    await everybodySeesAndHears([bob, carol]);
    await bothNeverStopped();
  });

  it('the adder hangs up in the middle of it: the other two go on', async () => {
    void fault(bob).when('focus.join', () => leave(carol));
    const accepted = clickWhenThere(erin, 'accept');
    await add(carol, erin.person.address);
    await accepted;
    await converse([bob, erin]);
  });

  it('both add somebody in the same moment, one of another company: one conference for all four', async () => {
    const dave = await mishaps.enter('dave');
    const accepted = [clickWhenThere(erin, 'accept'), clickWhenThere(dave, 'accept')];
    await Promise.all([addAtOnce(bob, dave), addAtOnce(carol, erin)]);
    await Promise.all(accepted);
    await converse([bob, carol, erin, dave]);
    await onPath([bob, carol, erin, dave], 'conference');
    await bothNeverStopped();
    await leave(dave);
    await mishaps.dismiss(dave);
  });

  it('the way to the node is cut on one side, and comes back', async () => {
    const accepted = clickWhenThere(erin, 'accept');
    void fault(bob).when('focus.join', async () => {
      await bob.page.context().setOffline(true);
      await bob.page.waitForTimeout(2000);
      await bob.page.context().setOffline(false);
    });
    await add(carol, erin.person.address);
    await accepted;
    await converse([bob, carol, erin]);
    await onPath([bob, carol, erin], 'conference');
    await bothNeverStopped();
  });

  it('a page sleeps in the background meanwhile', async () => {
    const client = await bob.page.context().newCDPSession(bob.page);
    const accepted = clickWhenThere(erin, 'accept');
    await add(carol, erin.person.address);
    await client.send('Page.setWebLifecycleState', { state: 'frozen' });
    await accepted;
    await carol.page.waitForTimeout(3000);
    await client.send('Page.setWebLifecycleState', { state: 'active' });
    await converse([bob, carol, erin]);
    await onPath([bob, carol, erin], 'conference');
    await neverStopped([carol, bob]);
  });

  it('switches are used meanwhile, and end up right on every side', async () => {
    const accepted = clickWhenThere(erin, 'accept');
    void fault(bob).when('call.ready', async () => {
      await by(bob, 'toggle-microphone').click();
      await by(carol, 'toggle-camera').click();
    });
    await add(carol, erin.person.address);
    await accepted;
    await onPath([bob, carol, erin], 'conference');
    const shows = (actor: Actor, other: Actor, what: 'microphone' | 'camera', on: boolean) =>
      by(actor, `tile-${other.person.address}`)
        .and(actor.page.locator(`[data-${what}="${on}"]`))
        .first()
        .waitFor();
    for (const actor of [bob, carol, erin]) {
      await shows(actor, bob, 'microphone', false);
      await shows(actor, carol, 'camera', false);
    }
    await by(bob, 'toggle-microphone').click();
    await by(carol, 'toggle-camera').click();
    for (const actor of [bob, carol, erin]) {
      await shows(actor, bob, 'microphone', true);
      await shows(actor, carol, 'camera', true);
    }
    await everybodySeesAndHears([bob, carol, erin]);
  });

  it('a screen is shared, and the microphone changed, while the call is being moved', async () => {
    const accepted = clickWhenThere(erin, 'accept');
    void fault(carol).when('focus.join', async () => {
      await carol.page.evaluate(async () => {
        const running = window.parley?.session?.call.get();
        await running?.setScreen(true);
        const devices = await navigator.mediaDevices.enumerateDevices();
        const other = devices.findLast(({ kind }) => kind === 'audioinput');
        if (other) await running?.useMicrophone(other.deviceId);
      });
    });
    await add(carol, erin.person.address);
    await accepted;
    await onPath([bob, carol, erin], 'conference');
    for (const actor of [bob, erin]) {
      const width = () =>
        actor.page.evaluate(
          (address) =>
            [...document.querySelectorAll('*')]
              .flatMap(function inside(element): Element[] {
                return [element, ...[...(element.shadowRoot?.querySelectorAll('*') ?? [])].flatMap(inside)];
              })
              .filter((element) => element instanceof HTMLVideoElement)
              .find((video) => video.dataset.parleyAddress === address)?.videoWidth ?? 0,
          carol.person.address,
        );
      // Her camera films in 16:9 and 320 wide; her window has neither.
      let seen = 0;
      await until(
        actor.page,
        PATIENCE_MS,
        `${actor.person.name} is shown Carol’s screen`,
        async () => {
          seen = await width();
          return seen !== 0 && seen !== 320;
        },
        () => seen,
      );
    }
    // Whoever shows a screen is large for the others, and said to show it (R62).
    for (const actor of [bob, erin]) {
      const presenter = by(actor, `tile-${carol.person.address}`);
      await presenter.and(actor.page.locator('[data-screen="true"][data-size="large"]')).waitFor();
    }
    await by(carol, 'toggle-screen').click();
    await everybodySeesAndHears([bob, carol, erin]);
    await bothNeverStopped();
  });
});

const rpc = { jsonrpc: '2.0' };
