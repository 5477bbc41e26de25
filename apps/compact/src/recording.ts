// Whether the call is recorded or is to be, on top of it, with this person's answer (R58).
import type { RecordingView } from '@parley/client';
import { button, fill, make } from './dom.ts';

export interface RecordingSign {
  readonly element: HTMLElement;
  update(recording: RecordingView | null): void;
}

export function recordingSign(act: { agree: () => unknown; stop: () => unknown }): RecordingSign {
  const element = make('div', { class: 'card recording', testId: 'recording', attributes: { role: 'status' } });
  element.hidden = true;
  const agree = button('I agree', 'recording-agree', act.agree, 'go');
  const refuse = button('Do not record', 'recording-refuse', act.stop);
  const stop = button('Stop recording', 'stop-recording', act.stop, 'stop');
  let shown = '';
  return {
    element,
    update(recording) {
      element.hidden = recording === null;
      // Made anew only if it says something else: a button keeps the focus.
      const words = recording ? sentence(recording) : '';
      const key = `${words} ${recording?.consented}`;
      if (!recording || key === shown) return;
      shown = key;
      Object.assign(element.dataset, { state: recording.state, consented: recording.consented });
      fill(element, make('p', {}, words), ...(recording.consented ? [stop] : [agree, refuse]));
    },
  };
}

function sentence({ state, by, consented, awaited }: RecordingView): string {
  if (consented) {
    if (state === 'running') return '● This call is being recorded.';
    const names = awaited.map(({ name }) => name).join(', ');
    return names ? `Recording? Waiting for ${names}.` : 'The recording begins …';
  }
  return state === 'asked'
    ? `${by.name} asks to record this call, sound and picture of everybody. It begins only if all agree.`
    : 'This call is being recorded. If you agree, you come in; if not, the recording stops first.';
}
