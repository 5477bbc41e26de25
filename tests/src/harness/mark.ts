// A readable mark in each person's picture: who it is and which frame, as black and white blocks along the lower edge,
// large enough to survive the codec and a smaller size. Every bit stands there twice, once inverted, so that noise or
// another picture is never read as somebody.

export const WIDTH = 640;
export const HEIGHT = 360;
export const FRAMES_PER_SECOND = 10;
/** The picture repeats after this many frames, three seconds. */
export const FRAMES = 30;
/** Side of a block in pixels: 16 fit in a row. */
export const BLOCK = 40;
const COLUMNS = WIDTH / BLOCK;
const TOP = HEIGHT - 2 * BLOCK;
const PERSON_BITS = 5;
const FRAME_BITS = 6;

export interface Mark {
  /** Number of the person, 1 to 31. */
  readonly person: number;
  /** Number of the frame, 0 to FRAMES - 1. */
  readonly frame: number;
}

/** The blocks from left to right, upper row first; true is white. Unused ones are null. */
export function markBlocks({ person, frame }: Mark): (boolean | null)[] {
  const bits = [...bitsOf(person, PERSON_BITS), ...bitsOf(frame, FRAME_BITS)];
  const rest: null[] = Array.from({ length: COLUMNS - bits.length }, () => null);
  return [...bits, ...rest, ...bits.map((bit) => !bit), ...rest];
}

/** Where a block is in a picture of the given width, in pixels: its middle half, away from blurred edges. */
export function blockArea(index: number, width = WIDTH): { x: number; y: number; size: number } {
  const scale = width / WIDTH;
  const x = (index % COLUMNS) * BLOCK + BLOCK / 4;
  const y = TOP + Math.floor(index / COLUMNS) * BLOCK + BLOCK / 4;
  return { x: x * scale, y: y * scale, size: (BLOCK / 2) * scale };
}

/** Number of blocks in the mark. */
export const BLOCKS = 2 * COLUMNS;

/** Reads brightnesses (0 to 255) of the blocks; null if they are no mark. */
export function readBlocks(brightness: readonly number[]): Mark | null {
  const used = PERSON_BITS + FRAME_BITS;
  const bits: boolean[] = [];
  for (let i = 0; i < used; i += 1) {
    const [plain = 0, inverted = 0] = [brightness[i], brightness[COLUMNS + i]];
    if (Math.abs(plain - inverted) < 90) return null;
    bits.push(plain > inverted);
  }
  const person = numberOf(bits.slice(0, PERSON_BITS));
  const frame = numberOf(bits.slice(PERSON_BITS));
  return person > 0 && frame < FRAMES ? { person, frame } : null;
}

function bitsOf(value: number, count: number): boolean[] {
  return Array.from({ length: count }, (_, i) => ((value >> (count - 1 - i)) & 1) === 1);
}

function numberOf(bits: readonly boolean[]): number {
  return bits.reduce((value, bit) => value * 2 + (bit ? 1 : 0), 0);
}
