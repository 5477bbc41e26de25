// What all elements have in common: the shared styles, and keeping up with the SDK's readable values.
import type { Readable } from '@parley/client';
import { CSSResult, type CSSResultGroup, LitElement, type ReactiveController } from 'lit';
import { base, controls, tokens } from './styles.ts';

export class ParleyElement extends LitElement {
  static override styles: CSSResultGroup = [tokens, base, controls];
}

/**
 * Follows a readable value for as long as the element is in the page: its value is current in every render, and every
 * change causes one. `source` may give another readable later.
 */
export class Follow<T> implements ReactiveController {
  readonly #host: ParleyElement;
  readonly #source: () => Readable<T> | null | undefined;
  #readable: Readable<T> | null = null;
  #stop: (() => void) | null = null;
  #value: T | undefined;

  constructor(host: ParleyElement, source: () => Readable<T> | null | undefined) {
    this.#host = host;
    this.#source = source;
    host.addController(this);
  }

  /** The present value; undefined while there is nothing to follow. */
  get value(): T | undefined {
    return this.#value;
  }

  hostConnected(): void {
    this.#host.requestUpdate();
  }

  hostDisconnected(): void {
    this.#stop?.();
    this.#stop = null;
    this.#readable = null;
  }

  hostUpdate(): void {
    if (!this.#host.isConnected) return;
    const readable = this.#source() ?? null;
    if (readable === this.#readable) return;
    this.#stop?.();
    this.#readable = readable;
    this.#value = undefined;
    this.#stop =
      readable?.subscribe((value) => {
        this.#value = value;
        this.#host.requestUpdate();
      }) ?? null;
  }
}

/**
 * Gives an element of the host's template to somebody who puts something into it, once and for as long as the host is in the
 * page. `give` may refuse, and is asked again with the next render.
 */
export class Lent implements ReactiveController {
  readonly #host: ParleyElement;
  readonly #selector: string;
  readonly #give: (container: HTMLElement) => (() => void) | null;
  #takeBack: (() => void) | null = null;

  constructor(host: ParleyElement, selector: string, give: (container: HTMLElement) => (() => void) | null) {
    this.#host = host;
    this.#selector = selector;
    this.#give = give;
    host.addController(this);
  }

  hostUpdated(): void {
    if (this.#takeBack || !this.#host.isConnected) return;
    const container = this.#host.renderRoot.querySelector<HTMLElement>(this.#selector);
    if (container) this.#takeBack = this.#give(container);
  }

  hostDisconnected(): void {
    this.#takeBack?.();
    this.#takeBack = null;
  }
}

const defined: (typeof ParleyElement)[] = [];

/** Registers an element once, however often its file is loaded by pages that embed it. */
export function define(name: string, element: typeof ParleyElement): void {
  if (customElements.get(name)) return;
  customElements.define(name, element);
  defined.push(element);
}

/**
 * Parses the style sheets of all elements while the browser has nothing else to do, so that a call that rings or begins does
 * not wait for them: otherwise each is parsed when its first element appears.
 */
export function prepareStyles(): void {
  const styles = [...new Set(defined.splice(0).flatMap(({ elementStyles }) => elementStyles))];
  const some = (idle?: IdleDeadline) => {
    for (let style = styles.shift(); style; style = styles.shift()) {
      // The getter makes the sheet and keeps it.
      if (style instanceof CSSResult) style.styleSheet;
      if (idle && styles.length > 0 && idle.timeRemaining() < 2) return void requestIdleCallback(some);
    }
  };
  // Safari has no such moments to offer.
  if (typeof requestIdleCallback === 'function') requestIdleCallback(some);
  else setTimeout(() => some(), 1000);
}
