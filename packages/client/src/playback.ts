// Remote sound: one hidden <audio> element for each person and line. The element of the line in use is loud, the others
// are silent but play, so that their jitter buffers run; a change of line is a short cross-fade of the two volumes.
// Not WebAudio: in Chrome that can bypass echo cancellation.
import type { SourceOwner } from './path.ts';

export interface Voice {
  /** One for each line and track. */
  readonly id: string;
  readonly address: SourceOwner;
  readonly track: MediaStreamTrack;
  readonly loud: boolean;
}

export interface Playback {
  /** The voices there are now; elements come and go accordingly. A voice that goes while it is loud is cut off. */
  show(voices: readonly Voice[]): void;
  /** Resolves when no fade is under way. */
  settled(): Promise<void>;
  close(): void;
}

export const FADE_MS = 60;
/** Browsers mix ten milliseconds at a time, so finer steps would not be heard. */
const STEP_MS = 10;

/** Equal power: the two volumes' squares sum to 1 all the way, so uncorrelated sound keeps its loudness. `at` is 0..1. */
export function fadeIn(at: number): number {
  return Math.sin((Math.min(1, Math.max(0, at)) * Math.PI) / 2);
}

interface Sounding {
  readonly element: HTMLAudioElement;
  readonly track: MediaStreamTrack;
  /** Where the fade is: 0 silent, 1 loud; and where it goes. */
  at: number;
  loud: boolean;
}

export function createPlayback(): Playback {
  const sounding = new Map<string, Sounding>();
  let timer: ReturnType<typeof setInterval> | undefined;
  let last = 0;
  const waiting: (() => void)[] = [];

  function tick(): void {
    const now = performance.now();
    const moved = (now - last) / FADE_MS;
    last = now;
    let moving = false;
    for (const one of sounding.values()) {
      const goal = one.loud ? 1 : 0;
      one.at = one.loud ? Math.min(goal, one.at + moved) : Math.max(goal, one.at - moved);
      one.element.volume = fadeIn(one.at);
      if (one.at !== goal) moving = true;
    }
    if (!moving) rest();
  }

  function rest(): void {
    clearInterval(timer);
    timer = undefined;
    for (const done of waiting.splice(0)) done();
  }

  function start(): void {
    if (timer !== undefined) return;
    last = performance.now();
    timer = setInterval(tick, STEP_MS);
  }

  function remove(id: string): void {
    const one = sounding.get(id);
    if (!one) return;
    sounding.delete(id);
    one.element.pause();
    one.element.srcObject = null;
    one.element.remove();
  }

  function add({ id, address, track }: Voice): Sounding {
    const element = document.createElement('audio');
    element.hidden = true;
    element.dataset.parleyAddress = address;
    element.volume = 0;
    element.srcObject = new MediaStream([track]);
    document.body.append(element);
    const one: Sounding = { element, track, at: 0, loud: false };
    sounding.set(id, one);
    playWhenAllowed(element);
    return one;
  }

  return {
    show(voices) {
      const wanted = new Set(voices.map((voice) => voice.id));
      for (const [id] of sounding) if (!wanted.has(id)) remove(id);
      let changed = false;
      for (const voice of voices) {
        let one = sounding.get(voice.id);
        if (one && one.track !== voice.track) {
          remove(voice.id);
          one = undefined;
        }
        one ??= add(voice);
        if (one.loud !== voice.loud) changed = true;
        one.loud = voice.loud;
      }
      if (changed) start();
    },
    settled() {
      if (timer === undefined) return Promise.resolve();
      return new Promise((resolve) => waiting.push(resolve));
    },
    close() {
      for (const id of [...sounding.keys()]) remove(id);
      rest();
    },
  };
}

/** A browser that wants a gesture before it plays gets it from the next one. */
function playWhenAllowed(element: HTMLAudioElement): void {
  element.play().catch((error: unknown) => {
    if (!(error instanceof DOMException) || error.name !== 'NotAllowedError') return;
    const gestures = ['pointerdown', 'keydown'] as const;
    const retry = () => {
      for (const gesture of gestures) document.removeEventListener(gesture, retry);
      if (element.isConnected) playWhenAllowed(element);
    };
    for (const gesture of gestures) document.addEventListener(gesture, retry);
  });
}
