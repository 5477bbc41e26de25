// What elements ask of whatever is around them. All events bubble and cross shadow roots, so one listener on the page
// is enough.
import type { SignInChoice } from '@parley/client';
import type { Address } from '@parley/protocol';

export interface ParleyEvents {
  /** Somebody should be called. */
  'parley-call': { readonly address: Address; readonly conference: boolean };
  /** Somebody should be added to the running call. */
  'parley-add': { readonly address: Address };
  'parley-save-contact': { readonly address: Address };
  'parley-remove-contact': { readonly address: Address };
  /** The ended call was read and can be forgotten. */
  'parley-dismiss': null;
  'parley-sign-out': null;
  /** The session is over: sign in again. */
  'parley-session-ended': null;
  /** A person comes in by a link: with a name as a guest, or as who is signed in (null). */
  'parley-enter': { readonly name: string | null; readonly microphone: boolean; readonly camera: boolean };
  /** Whoever waits to be let in does so no more. */
  'parley-enter-cancel': null;
  /** This person wants to prove who they are: mark the place in the call (`identify`), then send the browser there. */
  'parley-identify': { readonly choice: SignInChoice };
  /** An incoming call stopped ringing here without an answer on this device. */
  'parley-missed': { readonly name: string };
  /** Something a person asked for did not work. */
  'parley-problem': { readonly error: unknown };
}

export function emit<K extends keyof ParleyEvents>(from: HTMLElement, type: K, detail: ParleyEvents[K]): void {
  from.dispatchEvent(new CustomEvent(type, { detail, bubbles: true, composed: true }));
}

/** Listens for one of our events, with its detail. Returns the function that stops. */
export function listen<K extends keyof ParleyEvents>(
  on: EventTarget,
  type: K,
  listener: (detail: ParleyEvents[K]) => void,
): () => void {
  const handle = (event: Event) => listener((event as CustomEvent<ParleyEvents[K]>).detail);
  on.addEventListener(type, handle);
  return () => on.removeEventListener(type, handle);
}
