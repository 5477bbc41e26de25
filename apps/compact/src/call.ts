// A call: tiles one below the other, big buttons, and what is written.
import type { Call, CallParticipant, CallView, Session } from '@parley/client';
import { type Address, asParleyError, type Person } from '@parley/protocol';
import { button, fill, make, notice } from './dom.ts';
import { identifySign } from './identify.ts';
import { people, personButton } from './people.ts';
import { recordingSign } from './recording.ts';
import { trustSign } from './trust.ts';
import { endedWords, noticeWords, standing } from './words.ts';

interface Tile {
  readonly element: HTMLElement;
  update(participant: CallParticipant): void;
  remove(): void;
}

function createTile(call: Call, { person, self }: CallParticipant): Tile {
  const picture = make('div', { class: self ? 'picture own' : 'picture' });
  const words = make('figcaption');
  const sign = self ? null : trustSign(person);
  const element = make('figure', { testId: `tile-${person.address}` }, picture, words);
  const cancel = () => attempt(() => call.cancel(person.address));
  const withdraw = button('Stop', `cancel-${person.address}`, cancel, 'withdraw');
  withdraw.setAttribute('aria-label', `Stop calling ${person.name}`);
  let stop: () => void;
  if (self) {
    const mirror = make('video', { attributes: { autoplay: '', playsinline: '' } });
    mirror.muted = true;
    stop = call.localVideo.subscribe((stream) => {
      mirror.srcObject = stream;
    });
    picture.append(mirror);
  } else stop = call.showVideo(person.address, picture);
  return {
    element,
    update(participant) {
      const { state, flowing, microphone, camera, screen, video, outcome } = participant;
      Object.assign(element.dataset, { state, flowing, microphone, camera, screen, video, outcome: outcome ?? '' });
      const extra = standing(participant);
      fill(
        words,
        make('strong', {}, self ? 'You' : person.guest ? `${person.name} (guest)` : person.name),
        extra ? ` ${extra}` : null,
      );
      const rings = state === 'invited' || state === 'alerting';
      keep(element, withdraw, !self && rings && call.view.get().phase !== 'calling');
      sign?.update(participant.trust);
      if (sign) keep(element, sign.element, state === 'joined');
    },
    remove() {
      stop();
      element.remove();
    },
  };
}

/** What is there already is not put there again: it would lose the focus. */
function keep(parent: Element, child: Element, there: boolean): void {
  if (!there) child.remove();
  else if (child.parentElement !== parent) parent.append(child);
}

async function attempt(act: () => Promise<unknown>): Promise<void> {
  try {
    await act();
  } catch (error) {
    const { code, message } = asParleyError(error);
    notice(code, message);
  }
}

/** Shows `call` in `page` until it is dismissed. Returns what takes it away. */
export function showCall(session: Session, call: Call, page: HTMLElement): () => void {
  const tiles = new Map<Address, Tile>();
  let lastNotice = 0;
  const self = () => call.view.get().participants.find((participant) => participant.self);
  const clock = make('time', { testId: 'clock', attributes: { role: 'timer' } });
  const path = make('span', { testId: 'path', class: 'sign' });
  const recording = recordingSign({
    agree: () => attempt(() => call.consentToRecording()),
    stop: () => attempt(() => call.stopRecording()),
  });
  const identify = identifySign(session, call);
  const stage = make('div', { class: 'tiles' });
  const microphone = button('', 'toggle-microphone', () => attempt(() => call.setMicrophone(!self()?.microphone)));
  const camera = button('', 'toggle-camera', () => attempt(() => call.setCamera(!self()?.camera)));
  const leave = button('Leave', 'leave', () => attempt(() => call.leave()), 'stop');
  const add = button('Add', 'add-person', () => adding.showModal());
  const written = make('ul', {
    class: 'written',
    attributes: { role: 'log', 'aria-label': 'Messages', tabindex: '0' },
  });
  const input = make('input', {
    testId: 'chat-input',
    attributes: { 'aria-label': 'Message', placeholder: 'Message', maxlength: '4000', autocomplete: 'off' },
  });
  const form = make('form', { class: 'write' }, input, make('button', { testId: 'chat-send' }, 'Send'));
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    const text = input.value.trim();
    if (text) void attempt(() => call.send(text).then(() => (input.value = '')));
  });
  const chatTitle = make('summary', { testId: 'chat-open' }, 'Messages');
  const chat = make('details', { class: 'card' }, chatTitle, written, form);
  const adding = make('dialog', { testId: 'add-dialog', attributes: { 'aria-label': 'Add somebody' } });
  const choice = people(session, {
    field: 'add-search',
    prefix: 'choice',
    actions: (contact) => [
      personButton(
        'Add',
        'add',
        contact,
        () => attempt(() => call.add(contact.person.address).then(() => adding.close())),
        'go',
      ),
    ],
  });
  const link = make('input', { testId: 'link-url', attributes: { readonly: '', 'aria-label': 'Link for guests' } });
  const makeLink = () =>
    attempt(async () => {
      link.value = (await call.invite()).url;
    });
  adding.append(
    make('h1', {}, 'Add somebody'),
    choice.element,
    make('div', { class: 'bar' }, button('Make a link for a guest', 'link-make', makeLink), link),
    button('Close', 'add-close', () => adding.close()),
  );
  const door = make('ul');
  const waiting = ({ name, address }: Person) =>
    make(
      'li',
      { attributes: { 'data-waiting': name } },
      make('p', {}, `${name} waits to be let in`),
      make(
        'div',
        { class: 'bar' },
        button('Let in', 'admit', () => attempt(() => call.admit(address)), 'go'),
        button('No', 'refuse', () => attempt(() => call.turnAway(address))),
      ),
    );
  const main = make(
    'main',
    { testId: 'stage', class: 'call' },
    make('p', { class: 'line' }, clock, path),
    door,
    identify.element,
    recording.element,
    stage,
    make('div', { class: 'bar' }, microphone, camera, add, leave),
    chat,
    adding,
  );

  const ended = (view: CallView) => {
    const words = make('h1', { attributes: { tabindex: '-1' } }, endedWords(view));
    const attributes = { 'data-reason': view.ended?.reason ?? '', 'data-outcome': view.ended?.outcome ?? '' };
    // Guests have nothing to go back to.
    const back = !session.me.guest && button('Back', 'call-ended-close', () => session.dismiss(), 'go');
    fill(page, make('main', { testId: 'call-ended', class: 'ended', attributes }, words, back));
    words.focus();
  };
  const update = (view: CallView) => {
    for (const entry of view.notices) {
      if (entry.id > lastNotice && entry.kind !== 'path-changed') notice(entry.kind, noticeWords(entry));
      lastNotice = Math.max(lastNotice, entry.id);
    }
    if (view.phase === 'ended') return ended(view);
    const here = view.participants.filter(({ state }) => state !== 'left' && state !== 'ended');
    for (const participant of here) {
      const { address } = participant.person;
      const tile = tiles.get(address) ?? createTile(call, participant);
      if (!tiles.has(address)) stage.append(tile.element);
      tiles.set(address, tile);
      tile.update(participant);
    }
    for (const [address, tile] of tiles) {
      if (here.some(({ person }) => person.address === address)) continue;
      tile.remove();
      tiles.delete(address);
    }
    recording.update(view.recording);
    identify.update(view);
    fill(microphone, self()?.microphone ? 'Mute' : 'Unmute');
    fill(camera, self()?.camera ? 'Camera off' : 'Camera on');
    add.hidden = !view.may.add;
    form.hidden = !view.may.write;
    const atDoor = view.lobby.map(({ address }) => address).join();
    if (door.dataset.people !== atDoor) fill(door, ...view.lobby.map(waiting));
    door.dataset.people = atDoor;
    leave.dataset.testid = view.phase === 'calling' ? 'hang-up-cancel' : 'leave';
    fill(leave, view.phase === 'calling' ? 'Cancel' : 'Leave');
    Object.assign(path.dataset, { path: view.path, transferring: view.transferring });
    fill(path, view.path === 'direct' ? 'Direct' : 'Conference', view.transferring ? ', moving …' : null);
    if (view.messages.length !== written.childElementCount) {
      const names = new Map(
        view.participants.map(({ person, self: own }) => [person.address, own ? 'You' : person.name]),
      );
      fill(
        written,
        ...view.messages.map(({ by, text }) =>
          make(
            'li',
            { testId: 'chat-message', attributes: { 'data-by': by } },
            make('strong', {}, names.get(by) ?? by),
            ` ${text}`,
          ),
        ),
      );
      fill(chatTitle, `Messages (${view.messages.length})`);
      written.scrollTop = written.scrollHeight;
    }
  };
  const tick = () => {
    identify.tick();
    const { answeredAt } = call.view.get();
    const seconds = answeredAt === null ? null : Math.max(0, Math.floor((Date.now() - answeredAt) / 1000));
    const words =
      seconds === null ? 'Calling …' : `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
    if (clock.textContent !== words) fill(clock, words);
  };
  fill(page, main);
  const stop = call.view.subscribe(update);
  const timer = setInterval(tick, 500);
  tick();
  return () => {
    stop();
    choice.stop();
    clearInterval(timer);
    for (const tile of tiles.values()) tile.remove();
  };
}
