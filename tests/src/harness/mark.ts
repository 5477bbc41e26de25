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

/** What a page needs to know to read marks. */
export interface MarkLayout {
  /** Of the blocks, in pixels of a picture of `width`. */
  readonly areas: readonly { readonly x: number; readonly y: number; readonly size: number }[];
  readonly width: number;
  readonly columns: number;
  readonly personBits: number;
  readonly frameBits: number;
  readonly frames: number;
}

export const markLayout: MarkLayout = {
  areas: Array.from({ length: BLOCKS }, (_, i) => blockArea(i)),
  width: WIDTH,
  columns: COLUMNS,
  personBits: PERSON_BITS,
  frameBits: FRAME_BITS,
  frames: FRAMES,
};

/**
 * Reads brightnesses (0 to 255) of the blocks; null if they are no mark. Runs in pages, too, by itself: it can use nothing
 * from outside its own body.
 */
export function decodeMark(brightness: readonly number[], layout: MarkLayout): Mark | null {
  const { columns, personBits, frameBits, frames } = layout;
  const bits: number[] = [];
  for (let i = 0; i < personBits + frameBits; i += 1) {
    const [plain = 0, inverted = 0] = [brightness[i], brightness[columns + i]];
    if (Math.abs(plain - inverted) < 90) return null;
    bits.push(plain > inverted ? 1 : 0);
  }
  const numberOf = (some: readonly number[]) => some.reduce((value, bit) => value * 2 + bit, 0);
  const person = numberOf(bits.slice(0, personBits));
  const frame = numberOf(bits.slice(personBits));
  return person > 0 && frame < frames ? { person, frame } : null;
}

export const readBlocks = (brightness: readonly number[]): Mark | null => decodeMark(brightness, markLayout);

function bitsOf(value: number, count: number): boolean[] {
  return Array.from({ length: count }, (_, i) => ((value >> (count - 1 - i)) & 1) === 1);
}
