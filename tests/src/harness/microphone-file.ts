// What a person's fake microphone hears: a tone of their own in short pulses (a steady one is taken for noise and
// suppressed). WAV, 48 kHz, mono, 16 bit, two seconds; Chromium plays it over and over.

const RATE = 48_000;
const SECONDS = 2;
const PULSE = 0.25;

/** The person's tone in hertz. No one's tone is an overtone of another's. */
export function toneOf(person: number): number {
  return 430 + 170 * person;
}

export function microphoneFile(person: number): Buffer {
  const samples = RATE * SECONDS;
  const data = Buffer.alloc(samples * 2);
  // A whole number of periods in the file, so that the loop has no click.
  const frequency = Math.round(toneOf(person) * SECONDS) / SECONDS;
  for (let i = 0; i < samples; i += 1) {
    const time = i / RATE;
    const level = pulse((time % PULSE) / PULSE);
    data.writeInt16LE(Math.round(11_000 * level * Math.sin(2 * Math.PI * frequency * time)), i * 2);
  }
  return Buffer.concat([header(data.length), data]);
}

/** Loud for two thirds of a pulse, with soft edges. */
function pulse(position: number): number {
  if (position > 0.66) return 0;
  return Math.min(1, position / 0.05, (0.66 - position) / 0.05);
}

function header(bytes: number): Buffer {
  const buffer = Buffer.alloc(44);
  buffer.write('RIFF', 0);
  buffer.writeUInt32LE(36 + bytes, 4);
  buffer.write('WAVEfmt ', 8);
  buffer.writeUInt32LE(16, 16);
  buffer.writeUInt16LE(1, 20);
  buffer.writeUInt16LE(1, 22);
  buffer.writeUInt32LE(RATE, 24);
  buffer.writeUInt32LE(RATE * 2, 28);
  buffer.writeUInt16LE(2, 32);
  buffer.writeUInt16LE(16, 34);
  buffer.write('data', 36);
  buffer.writeUInt32LE(bytes, 40);
  return buffer;
}
