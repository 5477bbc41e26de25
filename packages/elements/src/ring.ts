// The sound of an incoming call, made on the spot: two soft notes, then a pause, until it is stopped.

/** Seconds from one pair of notes to the next. */
const PERIOD = 3;
const NOTES = [
  { at: 0, hertz: 587.33 },
  { at: 0.22, hertz: 783.99 },
];

/** The window comes first: opening the sound device takes longer than painting it, on the same processor. */
const AFTER_WINDOW_MS = 60;

/**
 * Starts ringing. Returns the function that stops it. Silent where the browser does not let a page make sound before
 * the first click, and where there is no sound at all: the window shows the call in any case.
 */
export function startRinging(): () => void {
  if (typeof AudioContext === 'undefined') return () => {};
  let stop: (() => void) | null = null;
  // Not by animation frame: a page in the background paints none, and there the sound matters most.
  const timer = setTimeout(() => {
    stop = ring();
  }, AFTER_WINDOW_MS);
  return () => {
    clearTimeout(timer);
    stop?.();
  };
}

function ring(): () => void {
  const context = new AudioContext();
  let next = 0;
  const play = () => {
    // After a time without permission, begin now rather than catch up.
    next = Math.max(next, context.currentTime + 0.05);
    for (const note of NOTES) playNote(context, note.hertz, next + note.at);
    next += PERIOD;
  };
  const timer = setInterval(() => {
    if (context.state === 'running') play();
  }, PERIOD * 1000);
  const begin = () => {
    if (context.state === 'running' && next === 0) play();
  };
  context.addEventListener('statechange', begin);
  begin();
  return () => {
    clearInterval(timer);
    context.removeEventListener('statechange', begin);
    void context.close();
  };
}

function playNote(context: AudioContext, hertz: number, at: number): void {
  const oscillator = new OscillatorNode(context, { frequency: hertz, type: 'sine' });
  const loudness = new GainNode(context, { gain: 0 });
  loudness.gain.setValueAtTime(0, at);
  loudness.gain.linearRampToValueAtTime(0.12, at + 0.03);
  loudness.gain.exponentialRampToValueAtTime(0.0005, at + 0.9);
  oscillator.connect(loudness).connect(context.destination);
  oscillator.start(at);
  oscillator.stop(at + 1);
}
