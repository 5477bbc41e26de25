// Where the tiles of a call go once there are three: one large, the others small beside or below it (R62). Pure.
import type { CallParticipant } from '@parley/client';
import type { Address } from '@parley/protocol';

/** A place in CSS pixels, from the top left of the stage. */
export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** Small tiles: no wider than this many pixels, beside the large one no narrower while all together take no more than this
 * part of the stage. */
const SMALL_MOST = 264;
const SMALL_LEAST = 160;
const SMALL_SHARE = 0.36;
/** Narrower than this nobody is recognised. */
const SLIVER = 48;

/**
 * Whose picture is large: the one pinned here; else whoever shows their screen; else whoever speaks or spoke last; else
 * the first of the others who is in the call. Null if nobody else is.
 * @param shown those with a tile, oneself included
 */
export function largeOf(
  shown: readonly CallParticipant[],
  speaker: Address | null,
  pinned: Address | null,
): Address | null {
  const has = (address: Address | null) => shown.some(({ person }) => person.address === address);
  if (pinned !== null && has(pinned)) return pinned;
  const others = shown.filter(({ self, state }) => !self && state === 'joined');
  const presenter = others.find(({ screen }) => screen);
  if (presenter) return presenter.person.address;
  if (speaker !== null && others.some(({ person }) => person.address === speaker)) return speaker;
  return others[0]?.person.address ?? null;
}

/** Places for one large tile and `small` others in a stage of this size, `gap` pixels apart. */
export function arrange(small: number, width: number, height: number, gap: number): { large: Box; small: Box[] } {
  const side = beside(small, width, height, gap);
  // Many people in a stage hardly wider than high would be slivers at its side.
  const slivers = (side.small[0]?.width ?? 0) < SLIVER;
  return width > height && !slivers ? side : below(small, width, height, gap);
}

function beside(small: number, width: number, height: number, gap: number): { large: Box; small: Box[] } {
  const columns = Math.ceil(small / 6);
  const rows = Math.ceil(small / columns);
  const share = Math.min(SMALL_SHARE * width, Math.max(0.19 * width, SMALL_LEAST) * columns);
  const tallest = (height - gap * (rows - 1)) / rows;
  const tileWidth = Math.floor(Math.min(SMALL_MOST, (share - gap * (columns - 1)) / columns));
  const tileHeight = Math.floor(Math.min((tileWidth * 9) / 16, tallest));
  const left = width - columns * (tileWidth + gap) + gap;
  const top = (height - rows * (tileHeight + gap) + gap) / 2;
  return {
    large: { x: 0, y: 0, width: left - gap, height },
    small: Array.from({ length: small }, (_, index) => ({
      x: left + (index % columns) * (tileWidth + gap),
      y: top + Math.floor(index / columns) * (tileHeight + gap),
      width: tileWidth,
      height: tileHeight,
    })),
  };
}

function below(small: number, width: number, height: number, gap: number): { large: Box; small: Box[] } {
  const most = small <= 3 ? small : small <= 12 ? Math.max(3, Math.ceil(small / 3)) : 5;
  const rows = Math.ceil(small / most);
  const columns = Math.ceil(small / rows);
  const tileWidth = Math.floor(Math.min(SMALL_MOST, (width - gap * (columns - 1)) / columns));
  const share = rows === 1 ? height * 0.24 : height * 0.5;
  const tileHeight = Math.floor(Math.min((tileWidth * 3) / 4, (share - gap * (rows - 1)) / rows));
  const top = height - rows * (tileHeight + gap) + gap;
  return {
    large: { x: 0, y: 0, width, height: top - gap },
    small: Array.from({ length: small }, (_, index) => {
      const row = Math.floor(index / columns);
      const inRow = Math.min(columns, small - row * columns);
      const left = (width - inRow * (tileWidth + gap) + gap) / 2;
      return {
        x: left + (index % columns) * (tileWidth + gap),
        y: top + row * (tileHeight + gap),
        width: tileWidth,
        height: tileHeight,
      };
    }),
  };
}
