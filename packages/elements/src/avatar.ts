// A person without a picture: initials on a colour of their own, and a dot for presence. Decoration only: whoever uses
// it says name and presence in words beside it.
import type { Presence } from '@parley/protocol';
import { css, html, nothing } from 'lit';
import { define, ParleyElement } from './element.ts';
import { initialsOf, tintOf } from './format.ts';
import { tints } from './styles.ts';

export class ParleyAvatar extends ParleyElement {
  static override properties = { name: {}, address: {}, presence: {} };
  declare name: string;
  declare address: string;
  declare presence: Presence | null;

  static override styles = [
    ParleyElement.styles,
    tints,
    css`
      :host {
        position: relative;
        flex: none;
        width: var(--avatar-size, 44px);
        height: var(--avatar-size, 44px);
      }
      .face {
        display: grid;
        place-items: center;
        width: 100%;
        height: 100%;
        border-radius: 50%;
        background: var(--tint);
        color: var(--ink);
        font-size: calc(var(--avatar-size, 44px) * 0.37);
        font-weight: 650;
        letter-spacing: 0.01em;
      }
      :host([strong]) .face {
        background: var(--ink);
        color: var(--tint);
      }
      .dot {
        position: absolute;
        inset-inline-end: -1px;
        bottom: -1px;
        width: 14px;
        height: 14px;
        border: 2.5px solid var(--surface);
        border-radius: 50%;
        background: var(--available);
      }
      .dot[data-presence='away'] {
        background: var(--away);
      }
      .dot[data-presence='busy'],
      .dot[data-presence='in-a-call'],
      .dot[data-presence='do-not-disturb'] {
        background: var(--busy);
      }
      .dot[data-presence='do-not-disturb']::after {
        content: '';
        position: absolute;
        inset: 3.5px 1.5px;
        border-radius: 2px;
        background: var(--surface);
      }
      .dot[data-presence='offline'] {
        background: var(--surface);
        box-shadow: inset 0 0 0 2px var(--line-strong);
      }
    `,
  ];

  constructor() {
    super();
    this.name = '';
    this.address = '';
    this.presence = null;
  }

  override render() {
    return html`<div class="face" data-tint=${tintOf(this.address)} aria-hidden="true">${initialsOf(this.name)}</div>
      ${this.presence ? html`<span class="dot" data-presence=${this.presence}></span>` : nothing}`;
  }
}

define('parley-avatar', ParleyAvatar);
