// The sound every sender plays: noise between 300 and 3,400 Hz that repeats after one second, so that whoever hears a
// few hundredths of a second of it knows which part it is. It comes in bursts of even level, as speech does in syllables: a
// jitter buffer makes itself longer or shorter in the pauses, which it cannot do in noise that never ends.

/** Samples per second of everything that is analysed. */
export const RATE = 8000;
/** Samples until the noise repeats: one second. */
export const PERIOD = 1 * RATE;

/** Park–Miller: the same noise in the page and here, from the same number. */
function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 48271) % 2147483647;
    return state / 2147483647;
  };
}

/** One period, between -1 and 1. Runs in pages too: it uses nothing from outside but what it is given. */
export function makeNoise(rate: number, period: number, seed: number): Float32Array {
  const random = createRandom(seed);
  const noise = new Float32Array(period);
  // Lines one hertz apart would need thousands of sines. Evenly spaced ones would repeat sooner than the period.
  for (let hertz = 300; hertz <= 3400; hertz += 2 + Math.floor(random() * 9)) {
    const phase = random() * 2 * Math.PI;
    const whole = Math.round((hertz * period) / rate);
    const step = (2 * Math.PI * whole) / period;
    for (let i = 0; i < period; i += 1) noise[i] = (noise[i] ?? 0) + Math.sin(step * i + phase);
  }
  const even = level(noise, Math.round(rate * 0.01));
  return even.map((sample, i) => sample * loudness(i / rate));
}

const BURST_S = 0.25;
const PAUSE_S = 0.08;
/** Within the pause: how long the sound takes to become quiet, and loud again. */
const RAMP_S = 0.01;
/** 24 dB below the bursts: quiet to a jitter buffer, and still to be read by whoever measures. */
const QUIET = 0.063;

/** How loud a burst is after so many seconds: at its end is the pause. */
function loudness(seconds: number): number {
  const into = (seconds % BURST_S) - (BURST_S - PAUSE_S);
  const fromEdge = Math.min(into, PAUSE_S - into);
  return fromEdge <= 0 ? 1 : Math.max(QUIET, 1 - (1 - QUIET) * (fromEdge / RAMP_S));
}

/** Divides by the power around each sample, so that every hundredth of a second is equally loud. */
function level(noise: Float32Array, window: number): Float32Array {
  const { length } = noise;
  const even = new Float32Array(length);
  let power = 0;
  const at = (i: number) => noise[((i % length) + length) % length] ?? 0;
  for (let i = -window; i <= window; i += 1) power += at(i) ** 2;
  for (let i = 0; i < length; i += 1) {
    even[i] = (0.2 * at(i)) / Math.sqrt(power / (2 * window + 1));
    power += at(i + window + 1) ** 2 - at(i - window) ** 2;
  }
  return even;
}

/** Digits of a frame's number in its picture: at 20 frames per second it begins anew after 13 minutes. */
export const FRAME_BITS = 14;
