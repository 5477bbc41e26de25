// What all elements have in common: the shared styles, and keeping up with the SDK's readable values.
import type { Readable } from '@parley/client';
import { type CSSResultGroup, LitElement, type ReactiveController } from 'lit';
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

/** Registers an element once, however often its file is loaded by pages that embed it. */
export function define(name: string, element: CustomElementConstructor): void {
  if (!customElements.get(name)) customElements.define(name, element);
}
