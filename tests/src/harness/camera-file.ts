// What a person's fake camera films: a figure that sways before a background of its own colour, and the mark below.
// YUV4MPEG2, 4:2:0, as Chromium's --use-file-for-fake-video-capture reads it (over and over).
import { BLOCK, blockArea, FRAMES, FRAMES_PER_SECOND, HEIGHT, markBlocks, WIDTH } from './mark.ts';

type Colour = readonly [y: number, u: number, v: number];

const BLACK: Colour = [16, 128, 128];
const WHITE: Colour = [235, 128, 128];
const SKIN: Colour = [168, 110, 150];

/** Sizes of the film. Everything below is drawn in the units of the large one. */
export type FilmSize = 'large' | 'small';

interface Planes {
  readonly bytes: Buffer;
  readonly width: number;
  readonly height: number;
  /** Pixels for each unit. */
  readonly scale: number;
}

/** The whole film of a person: about 10 MB if large, a quarter of that if small. */
export function cameraFile(person: number, size: FilmSize): Buffer {
  const scale = size === 'large' ? 1 : 0.5;
  const [width, height] = [WIDTH * scale, HEIGHT * scale];
  const parts: Buffer[] = [Buffer.from(`YUV4MPEG2 W${width} H${height} F${FRAMES_PER_SECOND}:1 Ip A1:1 C420jpeg\n`)];
  for (let frame = 0; frame < FRAMES; frame += 1) {
    const bytes = Buffer.alloc((width * height * 3) / 2);
    draw({ bytes, width, height, scale }, person, frame);
    parts.push(Buffer.from('FRAME\n'), bytes);
  }
  return Buffer.concat(parts);
}

function draw(planes: Planes, person: number, frame: number): void {
  const back = backgroundOf(person);
  const sway = Math.round(14 * Math.sin((2 * Math.PI * frame) / FRAMES));
  rectangle(planes, 0, 0, WIDTH, HEIGHT, back);
  const clothes: Colour = [Math.round(back[0] * 0.55), back[1], back[2]];
  ellipse(planes, WIDTH / 2 + sway / 2, 300, 130, 110, clothes);
  ellipse(planes, WIDTH / 2 + sway, 125, 62, 74, SKIN);
  ellipse(planes, WIDTH / 2 + sway, 82, 66, 44, [Math.round(30 + ((person * 47) % 90)), 122, 138]);
  rectangle(planes, 0, HEIGHT - 2 * BLOCK, WIDTH, 2 * BLOCK, clothes);
  markBlocks({ person, frame }).forEach((white, i) => {
    if (white === null) return;
    const { x, y } = blockArea(i);
    rectangle(planes, x - BLOCK / 4, y - BLOCK / 4, BLOCK, BLOCK, white ? WHITE : BLACK);
  });
}

/** Colours far apart for neighbouring numbers: steps of the golden angle around the circle. */
function backgroundOf(person: number): Colour {
  const angle = person * 2.4;
  return [120, Math.round(128 + 42 * Math.cos(angle)), Math.round(128 + 42 * Math.sin(angle))];
}

function rectangle(planes: Planes, left: number, top: number, width: number, height: number, colour: Colour): void {
  const { scale } = planes;
  for (let row = top * scale; row < (top + height) * scale; row += 1) {
    span(planes, row, left * scale, (left + width) * scale, colour);
  }
}

function ellipse(planes: Planes, cx: number, cy: number, rx: number, ry: number, colour: Colour): void {
  const { scale, width, height } = planes;
  const last = Math.min(height, (cy + ry) * scale);
  for (let row = Math.max(0, Math.ceil((cy - ry) * scale)); row < last; row += 1) {
    const half = rx * Math.sqrt(1 - ((row / scale - cy) / ry) ** 2);
    span(planes, row, Math.max(0, (cx - half) * scale), Math.min(width, (cx + half) * scale), colour);
  }
}

/** Pixels `from` to `to` of a row. */
function span({ bytes, width, height }: Planes, row: number, from: number, to: number, [y, u, v]: Colour): void {
  const [first, end] = [Math.round(from), Math.round(to)];
  bytes.fill(y, row * width + first, row * width + end);
  if (row % 2 !== 0) return;
  const luma = width * height;
  const start = luma + (row / 2) * (width / 2);
  bytes.fill(u, start + (first >> 1), start + (end >> 1));
  bytes.fill(v, start + luma / 4 + (first >> 1), start + luma / 4 + (end >> 1));
}
