// The page behind a guest link: who invites, a name, two switches, and the wait to be let in (R3, R30).
import { connect, enterByLink, type Invitation, invitation, type Session } from '@parley/client';
import { asParleyError } from '@parley/protocol';
import { button, fill, make } from './dom.ts';

const KEPT = 'parley-link';

/** The secret of the link by which this page was opened, also after a reload; null elsewhere. It stands in no history. */
export function takeLink(): string | null {
  if (location.pathname !== '/join') return null;
  if (location.hash.length > 1) sessionStorage.setItem(KEPT, location.hash.slice(1));
  history.replaceState(null, '', '/join');
  return sessionStorage.getItem(KEPT);
}

function forget(): void {
  sessionStorage.removeItem(KEPT);
}

/** Shows where `link` leads; `entered` gets the session of whoever has come in. Errors: those of `invitation`. */
export async function showJoin(link: string, page: HTMLElement, entered: (session: Session) => void): Promise<void> {
  const found = await invitation(link).catch((error: unknown) => {
    forget();
    throw error;
  });
  document.title = found.provider.name;
  ask(found, '');

  function ask({ by, title, lobby, me }: Invitation, problem: string): void {
    const name = make('input', {
      testId: 'join-name',
      attributes: { required: '', maxlength: '80', autocomplete: 'name', 'aria-label': 'Your name' },
    });
    const microphone = toggle('Microphone', 'join-microphone');
    const camera = toggle('Camera', 'join-camera');
    const enter = make('button', { testId: 'join-enter', class: 'go' }, me ? `Join as ${me.name}` : 'Join');
    const form = make(
      'form',
      { class: 'join' },
      me ? null : make('label', {}, 'Your name', name),
      make('div', { class: 'bar' }, microphone, camera),
      lobby && make('p', { class: 'hint' }, 'You wait until you are let in.'),
      enter,
    );
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      void come(me ? null : name.value, { microphone: isOn(microphone), camera: isOn(camera) });
    });
    const trouble = make('p', { testId: 'join-problem', class: 'problem', attributes: { role: 'alert' } }, problem);
    fill(
      page,
      make(
        'main',
        { testId: 'join', class: 'ended' },
        make('h1', { testId: 'join-invited' }, `${by.name} from ${by.company} invites you`),
        title && make('p', {}, title),
        problem ? trouble : null,
        form,
      ),
    );
  }

  async function come(name: string | null, media: { microphone: boolean; camera: boolean }): Promise<void> {
    const words = make('h1', {}, 'One moment …');
    const away = button('Not now', 'join-cancel', () => location.reload());
    fill(page, make('main', { class: 'ended', attributes: { role: 'status' } }, words, away));
    let session: Session | null = null;
    try {
      const conversation = await enterByLink(link, name);
      session = await connect();
      const stop = session.waiting.subscribe((waits) => {
        if (!waits) return;
        words.dataset.testid = 'join-waiting';
        fill(words, 'Please wait to be let in');
      });
      try {
        await session.enter(conversation, media);
      } finally {
        stop();
      }
      if (!session.me.guest) {
        forget();
        history.replaceState(null, '', '/');
      }
      entered(session);
    } catch (thrown) {
      session?.close();
      ask(found, asParleyError(thrown).message);
    }
  }
}

function toggle(words: string, testId: string): HTMLButtonElement {
  const made = button(words, testId, () => made.setAttribute('aria-pressed', String(!isOn(made))));
  made.setAttribute('aria-pressed', 'true');
  return made;
}

function isOn(button: HTMLButtonElement): boolean {
  return button.getAttribute('aria-pressed') === 'true';
}
