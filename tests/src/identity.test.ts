// Who is speaking, as each person's own browser verifies it (R5-R8, R46, R53): before answering, in the call, in a
// conference; and what people see when a server in between lies to one of them.
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { openStage, type Stage } from './flows/stage.ts';
import {
  type Actor,
  accept,
  add,
  allVerified,
  backToContacts,
  by,
  call,
  checkDirectlyConnected,
  clickWhenThere,
  diagnostics,
  everybodySeesAndHears,
  fillIn,
  onPath,
  sees,
  signedIn,
  signIn,
  signInWithoutKey,
} from './harness/actor.ts';

/** The text of the page behind the badge. */
async function explanation(actor: Actor, other: Actor): Promise<string> {
  await by(actor, `trust-${other.person.address}`).click();
  const text = (await by(actor, 'trust-page').textContent()) ?? '';
  await by(actor, 'trust-close').click();
  return text;
}

/**
 * Every connection of the call has agreed on DTLS 1.2 or 1.3 with ephemeral keys and authenticated encryption, and on a protection
 * profile of full strength: nothing unencrypted, no tag of 32 bits (OWASP ASVS 5.0 V17.2.2; RFC 8827 section 6.5).
 */
async function stronglyEncrypted(actors: readonly Actor[]): Promise<void> {
  for (const actor of actors) {
    const { connections = [] } = (await diagnostics(actor)) ?? {};
    assert.ok(connections.length > 0);
    for (const { encryption } of connections) {
      assert.match(encryption?.tls ?? '', /^FEF[CD]$/);
      assert.match(
        encryption?.dtls ?? '',
        /^TLS_(ECDHE_(ECDSA|RSA)_WITH_)?(AES_(128|256)_GCM|CHACHA20_POLY1305)_SHA(256|384)$/,
      );
      assert.match(encryption?.srtp ?? '', /^SRTP_(AEAD_AES_(128|256)_GCM|AES128_CM_HMAC_SHA1_80)$/);
    }
  }
}

/** Who changes what a node tells one device: nobody while it is null. */
interface Liar {
  lie: ((frame: string) => string | null) | null;
}

describe('who is speaking', () => {
  let stage: Stage;
  let bob: Actor;
  /** Their own nodes may lie to these two. */
  let carol: Actor;
  let alice: Actor;
  const toCarol: Liar = { lie: null };
  const toAlice: Liar = { lie: null };
  before(async () => {
    stage = await openStage({ calls: { ringSeconds: 40, returnToDirectSeconds: 60 } });
    const [one, two, three] = await Promise.all([
      stage.actor('bob'),
      deceived('carol', toCarol),
      deceived('alice', toAlice),
    ]);
    [bob, carol, alice] = [one, two, three];
  });
  after(() => stage.close());
  afterEach(async () => {
    toCarol.lie = null;
    toAlice.lie = null;
    await Promise.all([bob, carol, alice].map(goHome));
    stage.checkMessages();
  });

  /** A person to whose device lies can be told (a fake at a boundary: they are made on the way to the page). */
  async function deceived(login: string, liar: Liar): Promise<Actor> {
    const actor = await stage.stranger(login);
    await actor.page.routeWebSocket(/\/socket$/, (device) => {
      const server = device.connectToServer();
      device.onMessage((frame) => server.send(frame));
      server.onMessage((frame) => {
        const told = liar.lie && typeof frame === 'string' ? liar.lie(frame) : frame;
        if (told !== null) device.send(told);
      });
    });
    await signIn(actor);
    await signedIn(actor);
    return actor;
  }
  /** Leaves whatever call there is, and its last page. */
  async function goHome(actor: Actor): Promise<void> {
    await actor.page.evaluate(async () => {
      const session = window.parley?.session;
      for (const ringing of session?.incoming.get() ?? []) await ringing.decline().catch(() => undefined);
      await session?.call.get()?.leave();
    });
    await backToContacts(actor);
  }
  const otherFingerprint = (frame: string) =>
    frame.replace(/a=fingerprint:sha-256 [0-9A-F:]+/gi, `a=fingerprint:sha-256 ${Array(32).fill('AB').join(':')}`);

  it('is verified before answering and in the call, across companies, and in the conference by everybody', async () => {
    await call(bob, alice);
    await sees(alice, bob, 'verified');
    await accept(alice, bob);
    await allVerified([bob, alice]);
    await stronglyEncrypted([bob, alice]);
    const direct = await explanation(bob, alice);
    assert.match(direct, /This is alice@enterprise2\.example/);
    assert.match(direct, /accounts\.enterprise2\.localhost:\d+ says that this device is that of alice@enterprise2/);
    assert.match(direct, /encrypted for that very device/);
    assert.doesNotMatch(direct, /Not checked|Does not hold|own company’s service was believed/);
    await add(bob, carol.person.address);
    await sees(carol, bob, 'verified');
    await clickWhenThere(carol, 'accept');
    await onPath([bob, alice, carol], 'conference');
    await allVerified([bob, alice, carol]);
    await stronglyEncrypted([bob, alice, carol]);
    assert.match(await explanation(carol, alice), /pass through the service of enterprise1\.example/);
    // Her own company's people, too, are asked about there and not at her own node.
    assert.doesNotMatch(await explanation(carol, bob), /own company’s service was believed/);
  });

  it('turns from not proven into verified during the call, once the company’s sign-in service can be asked', async () => {
    const { page } = alice;
    const asked = /accounts\.enterprise1\.localhost|\/api\/identity\/keys/;
    await page.route(asked, (route) => route.abort());
    try {
      // What her browser knew from earlier calls is gone.
      await page.reload();
      await signedIn(alice);
      await call(bob, alice);
      await sees(alice, bob, 'unverified', 'issuer-unreachable');
      await accept(alice, bob);
      await sees(alice, bob, 'unverified', 'issuer-unreachable');
    } finally {
      await page.unroute(asked);
    }
    await allVerified([bob, alice]);
  });

  it('is not proven of somebody whose sign-in names no key of their browser, and the call goes on', async () => {
    const erin = await stage.stranger('erin');
    // Whoever made the link could have put in a key of their own.
    await signInWithoutKey(erin, 'A'.repeat(43));
    await call(erin, carol);
    await accept(carol, erin);
    await Promise.all([sees(erin, carol, 'verified'), sees(carol, erin, 'unverified', 'proof-missing')]);
    await everybodySeesAndHears([erin, carol]);
    await erin.close();
  });

  it('is seen through when media would be encrypted for somebody else: there is no answering', async () => {
    toCarol.lie = (frame) => (frame.includes('"offer"') ? otherFingerprint(frame) : frame);
    await call(bob, carol);
    await sees(carol, bob, 'failed', 'wrong-certificate');
    await by(carol, 'incoming-untrusted').getByText('encrypted for somebody else').waitFor();
    await by(carol, 'accept').click();
    await by(carol, 'incoming').getByText('could not be proven who this is').waitFor();
    await by(carol, 'decline').click();
    await by(bob, 'call-ended').waitFor();
  });

  it('is seen through when somebody else is said to call, or an older proof is shown', async () => {
    const proofs: string[] = [];
    const proofIn = /"proof":"([^"]+)"/;
    toCarol.lie = (frame) => {
      proofs.push(proofIn.exec(frame)?.[1] ?? '');
      return frame
        .replaceAll('bob@enterprise1.example', 'erin@enterprise1.example')
        .replaceAll('Bob Bennett', 'Erin Ellis');
    };
    await call(bob, carol);
    const badge = by(carol, 'trust-erin@enterprise1.example');
    await badge.and(carol.page.locator('[data-status="failed"][data-code="wrong-person"]')).waitFor();
    await by(carol, 'decline').click();
    await by(bob, 'call-ended-close').click();
    const old = proofs.find((proof) => proof !== '');
    assert.ok(old);
    toCarol.lie = (frame) => frame.replace(proofIn, `"proof":"${old}"`);
    await call(bob, carol);
    await sees(carol, bob, 'failed', 'wrong-conversation');
  });

  it('ends a running call when a proof comes that is wrong, and says why', async () => {
    const proofIn = /"type":"proof","proof":"([^"]+)"/;
    let shown = 0;
    // Kept back while it rings; changed when Carol's browser asks for it in the call.
    toCarol.lie = (frame) => {
      const proof = proofIn.exec(frame)?.[1];
      if (proof === undefined) return frame;
      shown += 1;
      if (shown === 1) return frame.replace(proofIn, '"type":"proof-wanted"');
      return frame.replace(proof, proof.replace(/.{8}$/, 'AAAAAAAA'));
    };
    await call(bob, carol);
    await accept(carol, bob);
    const ended = by(carol, 'call-ended').and(carol.page.locator('[data-reason="untrusted"]'));
    await ended.getByText('ended for your safety').waitFor();
    await ended.getByText('was not signed by the device it names').waitFor();
    await by(bob, 'call-ended').waitFor();
  });

  it('is shown with the account elsewhere that somebody has signed in with, and the sign-in can be ended from afar', async () => {
    const carols = await stage.stranger('carol');
    await carols.page.goto(carols.person.origin);
    await by(carols, 'sign-in-accounts').click();
    await fillIn(carols, 'carol.castillo@mail.example', carols.person.password);
    await signedIn(carols);
    await call(carols, bob);
    await sees(bob, carols, 'verified');
    await by(bob, 'incoming-issuer').getByText('as carol.castillo@mail.example').waitFor();
    await accept(bob, carols);
    await allVerified([bob, carols]);
    assert.match(
      await explanation(bob, carols),
      /carol\.castillo@mail\.example, and enterprise1\.example that this is carol@/,
    );
    await by(carols, 'leave').click();
    await by(bob, 'call-ended-close').click();
    await carols.close();

    // Bob has left another browser signed in, which somebody else uses by now.
    const library = await stage.another('bob');
    await by(bob, 'sign-ins').click();
    await by(bob, 'provable').and(bob.page.locator('[data-provable="true"]')).waitFor();
    await by(bob, 'end-sign-in').first().click();
    await by(library, 'sign-in-error').waitFor();
    await by(bob, 'sign-ins-close').click();
    await library.close();
  });

  it('is shown with an account that somebody has linked on their own, until they unlink it', async () => {
    const bobs = await stage.stranger('bob');
    const bobAt = 'bob.b@mail.example';
    await signIn(bobs);
    await signedIn(bobs);
    await by(bobs, 'sign-ins').click();
    await by(bobs, 'link-accounts').click();
    // The company’s sign-in may have known this browser: who links an account gives the password again.
    await by(bobs, 'sign-in-again').click();
    await fillIn(bobs, bobs.person.login, bobs.person.password);
    await by(bobs, 'link-accounts').click();
    await fillIn(bobs, bobAt, bobs.person.password);
    await by(bobs, 'account-linked').waitFor();
    await by(bobs, 'account').getByText(bobAt).waitFor();

    const phone = await stage.stranger('bob');
    await phone.page.goto(phone.person.origin);
    await by(phone, 'sign-in-accounts').click();
    await fillIn(phone, bobAt, phone.person.password);
    await signedIn(phone);
    await call(phone, carol);
    await sees(carol, phone, 'verified');
    await by(carol, `trust-${phone.person.address}`).click();
    await by(carol, 'trust-page').getByText(`device is that of ${bobAt}`).waitFor();
    await by(carol, 'trust-close').click();
    await accept(carol, phone);
    await allVerified([carol, phone]);
    await by(phone, 'leave').click();
    await backToContacts(phone);

    await by(bobs, 'unlink').click();
    await by(phone, 'sign-in-error').waitFor();
    await Promise.all([bobs.close(), phone.close()]);
  });

  it('stays on the direct path when the conference service is not whose it says it is', async () => {
    await call(bob, alice);
    await accept(alice, bob);
    // Alice's provider puts itself between her and the conference service of Enterprise 1.
    toAlice.lie = (frame) => (frame.includes('"statement"') ? otherFingerprint(frame) : frame);
    await add(bob, carol.person.address);
    await clickWhenThere(carol, 'accept');
    await by(bob, 'notice').and(bob.page.locator('[data-kind="add-failed"]')).first().waitFor({ timeout: 60_000 });
    await onPath([bob, alice], 'direct');
    await checkDirectlyConnected(bob, alice);
    await everybodySeesAndHears([bob, alice]);
    await allVerified([bob, alice]);
  });
});
