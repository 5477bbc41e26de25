// Enterprise 2's app: the same calls as everybody's, on the SDK alone, in one column.
import '@fontsource-variable/nunito/wght.css';
import { connect, type IncomingCall, type NodeInfo, nodeInfo, type Session } from '@parley/client';
import {
  asParleyError,
  type Contact,
  type ConversationId,
  type ErrorCode,
  errorCatalogue,
  type Presence,
} from '@parley/protocol';
import { showCall } from './call.ts';
import { button, fill, make, notice } from './dom.ts';
import { takeReturn } from './identify.ts';
import { showJoin, takeLink } from './join.ts';
import { people, personButton } from './people.ts';
import { trustSign } from './trust.ts';
import { presences } from './words.ts';

const page = make('div', { class: 'page' });
document.body.append(page);

async function attempt(act: () => Promise<unknown>): Promise<void> {
  try {
    await act();
  } catch (error) {
    const { code, message } = asParleyError(error);
    notice(code, message);
  }
}

function showSignIn(info: NodeInfo, error: string): void {
  const known = Object.hasOwn(errorCatalogue, error)
    ? errorCatalogue[error as ErrorCode].text
    : 'Signing in did not work. Try again.';
  const problem =
    error && make('p', { testId: 'sign-in-error', class: 'problem', attributes: { role: 'alert' } }, known);
  const choices = info.signIn.map((choice, index) =>
    make(
      'a',
      { testId: `sign-in-${choice.id}`, class: index === 0 ? 'go' : '', attributes: { href: choice.url('/') } },
      `Sign in with ${choice.name}`,
    ),
  );
  fill(
    page,
    make('main', { class: 'ended' }, make('h1', {}, `Hello from ${info.provider.name}`), problem || null, ...choices),
  );
}

function showHome(session: Session): () => void {
  const startCall = (contact: Contact, conference: boolean) => () =>
    attempt(() => session.startCall(contact.person.address, { path: conference ? 'conference' : 'direct-first' }));
  const list = people(session, {
    field: 'search',
    prefix: 'contact',
    actions: (contact) => [
      personButton('Call', 'call', contact, startCall(contact, false), 'go'),
      personButton('Conference', 'conference', contact, startCall(contact, true)),
    ],
  });
  const presence = make('select', { testId: 'my-presence', attributes: { 'aria-label': 'Your presence' } });
  const chosen: readonly Presence[] = ['available', 'away', 'busy', 'do-not-disturb'];
  const stop = session.presence.subscribe((now) => {
    const options = chosen.includes(now) ? chosen : [now, ...chosen];
    fill(presence, ...options.map((value) => new Option(presences[value], value, false, value === now)));
  });
  presence.addEventListener('change', () => attempt(() => session.setPresence(presence.value as Presence)));
  const me = make('p', { class: 'hint', testId: 'self-address' }, session.me.address);
  const out = button('Sign out', 'sign-out', () => attempt(() => session.signOut()), 'plain');
  const head = make(
    'header',
    {},
    make('div', {}, make('h1', {}, session.me.name), me),
    make('div', { class: 'line' }, presence, out),
  );
  fill(page, make('main', {}, make('p', { class: 'company' }, session.provider.name), head, list.element));
  return () => {
    list.stop();
    stop();
  };
}

function watchIncoming(session: Session): () => void {
  const dialog = make('dialog', {
    class: 'incoming',
    attributes: { tabindex: '-1', 'aria-live': 'assertive', closedby: 'none', 'aria-labelledby': 'caller' },
  });
  dialog.addEventListener('cancel', (event) => event.preventDefault());
  document.body.append(dialog);
  let shown: IncomingCall | undefined;
  let unfollow = () => {};
  const answer = (call: IncomingCall, camera: boolean) => async () => {
    const present = session.call.get();
    if (present && present.view.get().phase !== 'ended') await present.leave();
    await call.accept({ microphone: true, camera });
  };
  const show = (call: IncomingCall) => {
    const facts = make('div');
    const sign = trustSign(call.from);
    const stopTrust = call.trust.subscribe(sign.update);
    const stopOthers = call.others.subscribe(() => tell());
    const stopConnected = call.callerConnected.subscribe(() => tell());
    function tell() {
      const names = call.others
        .get()
        .filter(({ person }) => person.address !== call.from.address && person.address !== session.me.address)
        .map(({ person }) => person.name);
      fill(
        facts,
        call.title && make('p', { testId: 'incoming-title' }, call.title),
        call.callerConnected.get() &&
          make('p', { testId: 'caller-connected' }, `${call.from.name} is already in the conference`),
        names.length > 0 && make('p', { testId: 'incoming-others' }, `With ${names.join(', ')}`),
      );
    }
    unfollow = () => {
      stopOthers();
      stopConnected();
      stopTrust();
    };
    fill(
      dialog,
      make(
        'div',
        { testId: 'incoming', attributes: { 'data-from': call.from.address } },
        make('h1', { testId: 'incoming-from', attributes: { id: 'caller' } }, call.from.name),
        make('p', { testId: 'incoming-company' }, `${call.from.company} is calling`),
        make('p', { class: 'hint' }, call.from.address),
        sign.element,
        facts,
        make(
          'div',
          { class: 'bar' },
          button('Answer', 'accept', () => attempt(answer(call, true)), 'go'),
          button('Without camera', 'accept-audio', () => attempt(answer(call, false))),
          button('No, thanks', 'decline', () => attempt(() => call.decline()), 'stop'),
        ),
      ),
    );
    if (!dialog.open) dialog.showModal();
    dialog.focus();
  };
  const stop = session.incoming.subscribe(([first]) => {
    if (first?.conversation === shown?.conversation) return;
    shown = first;
    unfollow();
    if (first) show(first);
    else dialog.close();
  });
  return () => {
    stop();
    unfollow();
    dialog.remove();
  };
}

function useSession(session: Session): void {
  // For people with a console open, and for the tests: what the SDK knows of the running call.
  Object.assign(window, { parley: { session } });
  const banner = make(
    'p',
    { class: 'banner', testId: 'reconnecting', attributes: { role: 'status' } },
    'Connection lost. Trying again …',
  );
  let leavePage = () => {};
  const stopIncoming = watchIncoming(session);
  const stopCall = session.call.subscribe((call) => {
    leavePage();
    if (call) leavePage = showCall(session, call, page);
    // Guests have nothing here but the one call.
    else if (session.me.guest) location.reload();
    else leavePage = showHome(session);
  });
  const stopConnection = session.connection.subscribe((state) => {
    if (state === 'reconnecting') document.body.prepend(banner);
    else banner.remove();
    // A guest's session ends with the call; the page then says how that ended.
    if (state !== 'ended' || session.me.guest) return;
    // The subscription may still be on its way in here.
    queueMicrotask(() => {
      for (const stop of [leavePage, stopIncoming, stopCall, stopConnection]) stop();
      void start('session-expired');
    });
  });
}

/** From signing in during a call, into that call again; an account of this company goes on to its people if it is over. */
async function comeBack(conversation: ConversationId): Promise<void> {
  const session = await connect();
  try {
    await session.enter(conversation);
  } catch (thrown) {
    if (session.me.guest) {
      session.close();
      throw thrown;
    }
  }
  if (!session.me.guest) history.replaceState(null, '', '/');
  useSession(session);
}

/** A link may name the way to sign in, and as whom: `?sign-in=company&login_hint=bob`. */
async function start(error = new URL(location.href).searchParams.get('error') ?? ''): Promise<void> {
  const asked = new URL(location.href).searchParams;
  const link = takeLink();
  history.replaceState(null, '', location.pathname);
  try {
    const info = await nodeInfo();
    document.title = info.provider.name;
    const left = takeReturn();
    if (left && (info.signedIn || info.guest)) return await comeBack(left);
    if (link) return await showJoin(link, page, useSession);
    if (info.signedIn && !error) {
      useSession(await connect());
    } else {
      const choice = error ? undefined : info.signIn.find(({ id }) => id === asked.get('sign-in'));
      if (choice) location.assign(choice.url('/', { loginHint: asked.get('login_hint') ?? '', prompt: 'login' }));
      else showSignIn(info, error);
    }
  } catch (thrown) {
    const { code, message } = asParleyError(thrown);
    if (!error && (code === 'session-expired' || code === 'not-signed-in')) return start(code);
    const again = button('Try again', 'try-again', () => start(''), 'go');
    fill(
      page,
      make('main', { testId: 'failed', class: 'ended', attributes: { role: 'alert' } }, make('h1', {}, message), again),
    );
  }
}

void start();
