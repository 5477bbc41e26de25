// Asked to prove who one is during a call: the ways to sign in, the time that is left, and the way back into the call (R68).
import type { Call, CallView, Session } from '@parley/client';
import { asParleyError, type ConversationId, conversationIdSchema } from '@parley/protocol';
import { button, fill, make, notice } from './dom.ts';

const KEPT = 'parley-return';

/** The call from which this tab went to sign in, once; null if it did not. */
export function takeReturn(): ConversationId | null {
  const kept = conversationIdSchema.safeParse(sessionStorage.getItem(KEPT));
  sessionStorage.removeItem(KEPT);
  return kept.success ? kept.data : null;
}

export interface IdentifySign {
  readonly element: HTMLElement;
  update(view: CallView): void;
  /** Shows the time that is left now. */
  tick(): void;
}

export function identifySign(session: Session, call: Call): IdentifySign {
  const element = make('section', { class: 'card', testId: 'identify', attributes: { role: 'alert' } });
  const left = make('strong', { attributes: { role: 'timer', 'aria-live': 'off' } });
  let until: number | null = null;
  element.hidden = true;

  async function choices(): Promise<HTMLElement[]> {
    return (await session.signInChoices()).map((choice, index) => {
      const go = async () => {
        await call.identify();
        sessionStorage.setItem(KEPT, call.conversation);
        location.assign(choice.url('/join', { prompt: 'login' }));
      };
      const look = index === 0 ? 'go' : '';
      return button(`Sign in with ${choice.name}`, `identify-${choice.id}`, () => go().catch(say), look);
    });
  }

  function tick(): void {
    if (until === null) return;
    const seconds = Math.max(0, Math.ceil((until - Date.now()) / 1000));
    const words = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')} left`;
    if (left.textContent !== words) fill(left, words);
  }

  return {
    element,
    tick,
    update({ identify }) {
      element.hidden = identify === null;
      if (identify?.until === until) return;
      until = identify?.until ?? null;
      if (!identify) return fill(element);
      const ways = make('div', { class: 'bar' });
      const who = identify.by?.name ?? 'Somebody';
      fill(element, make('p', {}, `${who} asks you to prove who you are, or you leave the call. `, left), ways);
      tick();
      choices().then((made) => fill(ways, ...made), say);
    },
  };
}

function say(error: unknown): void {
  const { code, message } = asParleyError(error);
  notice(code, message);
}
