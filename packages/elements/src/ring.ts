// The sound of an incoming call, made on the spot: two soft notes, then a pause, until it is stopped. Played by an audio
// element, which opens the sound device beside the page; an AudioContext would hold the page up until it is open (half a
// second was seen), and that is when somebody wants to answer.

const SAMPLE_RATE = 16_000;
/** Seconds from one pair of notes to the next. */
const PERIOD = 3;
const LOUDNESS = 0.12;
const NOTES = [
  { at: 0, hertz: 587.33 },
  { at: 0.22, hertz: 783.99 },
];

/** The window comes first: the sound can wait until it is painted. */
const AFTER_WINDOW_MS = 60;

/**
 * Starts ringing. Returns the function that stops it. Silent where the browser does not let a page make sound before
 * the first click, and where there is no sound at all: the window shows the call in any case.
 */
export function startRinging(): () => void {
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
  const url = URL.createObjectURL(new Blob([ringtone()], { type: 'audio/wav' }));
  const audio = new Audio(url);
  audio.loop = true;
  const gestures = ['pointerdown', 'keydown'] as const;
  const play = () => void audio.play().catch(() => undefined);
  // Where the first attempt was refused, the person's next touch of the page permits it.
  const retry = () => {
    if (audio.paused) play();
  };
  for (const gesture of gestures) document.addEventListener(gesture, retry);
  play();
  return () => {
    for (const gesture of gestures) document.removeEventListener(gesture, retry);
    audio.pause();
    audio.removeAttribute('src');
    URL.revokeObjectURL(url);
  };
}

/** One period as a WAV file: 16 bit, mono. */
export function ringtone(): ArrayBuffer {
  const samples = SAMPLE_RATE * PERIOD;
  const file = new DataView(new ArrayBuffer(44 + 2 * samples));
  const text = (at: number, letters: string) => {
    for (let i = 0; i < letters.length; i += 1) file.setUint8(at + i, letters.charCodeAt(i));
  };
  text(0, 'RIFF');
  file.setUint32(4, 36 + 2 * samples, true);
  text(8, 'WAVEfmt ');
  file.setUint32(16, 16, true);
  file.setUint16(20, 1, true);
  file.setUint16(22, 1, true);
  file.setUint32(24, SAMPLE_RATE, true);
  file.setUint32(28, 2 * SAMPLE_RATE, true);
  file.setUint16(32, 2, true);
  file.setUint16(34, 16, true);
  text(36, 'data');
  file.setUint32(40, 2 * samples, true);
  for (let i = 0; i < samples; i += 1) {
    const level = NOTES.reduce((sum, note) => sum + noteAt(i / SAMPLE_RATE - note.at, note.hertz), 0);
    file.setInt16(44 + 2 * i, Math.round(LOUDNESS * level * 0x7fff), true);
  }
  return file.buffer;
}

/** A note `seconds` after its beginning: a quick rise, then a fade like a bell's. */
function noteAt(seconds: number, hertz: number): number {
  if (seconds < 0 || seconds > 1) return 0;
  const envelope = seconds < 0.03 ? seconds / 0.03 : Math.exp(-6.3 * (seconds - 0.03));
  return envelope * Math.sin(2 * Math.PI * hertz * seconds);
}
