// The window with the recordings a person is in; each is fetched as a download.
import type { FinishedRecording, Session } from '@parley/client';
import { asParleyError } from '@parley/protocol';
import { css, html, nothing } from 'lit';
import { define, ParleyElement } from './element.ts';
import { clockText } from './format.ts';
import { icons } from './icons.ts';
import { sizeText, recordingText as text } from './recording-strings.ts';
import { listOfNames, text as words } from './strings.ts';
import { rows, sheet } from './styles.ts';

export class ParleyRecordings extends ParleyElement {
  static override properties = {
    session: { attribute: false },
    list: { state: true },
    problem: { state: true },
  };
  declare session: Session | null;
  /** Null until it has been read. */
  declare list: readonly FinishedRecording[] | null;
  declare problem: string;

  static override styles = [
    ParleyElement.styles,
    sheet,
    rows,
    css`
      li {
        min-height: 72px;
      }
      a {
        text-decoration: none;
        flex: none;
      }
      .name {
        font-weight: 550;
      }
      .none {
        margin-top: 16px;
      }
    `,
  ];

  constructor() {
    super();
    this.session = null;
    this.list = null;
    this.problem = '';
  }

  /** Opens the window with the list as it is now. */
  show(): void {
    this.problem = '';
    this.renderRoot.querySelector('dialog')?.showModal();
    void this.#read();
  }

  async #read(): Promise<void> {
    try {
      this.list = (await this.session?.recordings()) ?? [];
    } catch (error) {
      this.problem = asParleyError(error).message;
    }
  }

  override render() {
    return html`<dialog aria-labelledby="title" data-testid="recordings-list">
      <header>
        <h2 id="title">${text.list}</h2>
        <button type="button" class="round" data-testid="recordings-close" aria-label=${words.close} title=${words.close}
          @click=${() => this.renderRoot.querySelector('dialog')?.close()}>${icons.close}</button>
      </header>
      ${this.problem ? html`<p class="problem" role="alert">${icons.warning}<span>${this.problem}</span></p>` : nothing}
      ${this.list?.length === 0 ? html`<p class="quiet none">${text.none}</p>` : nothing}
      <ul>${(this.list ?? []).map((one) => this.#row(one))}</ul>
    </dialog>`;
  }

  #row(one: FinishedRecording) {
    const when = new Date(one.startedAt).toLocaleString([], { dateStyle: 'medium', timeStyle: 'short' });
    const until = new Date(one.expiresAt).toLocaleDateString([], { dateStyle: 'medium' });
    return html`<li data-testid="finished-recording">
      <div>
        <p class="name">${one.title ?? listOfNames(one.people)}</p>
        <p class="quiet">${when} · ${clockText(one.milliseconds)} · ${sizeText(one.bytes)}</p>
        <p class="quiet">${text.deletedOn(until)}</p>
      </div>
      <a class="button" href=${one.url} download data-testid="download-recording"
        aria-label=${text.downloadOf(when)}>${text.download}</a>
    </li>`;
  }
}

define('parley-recordings', ParleyRecordings);
