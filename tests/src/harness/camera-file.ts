// What a person's fake camera films: a figure that sways before a background of its own colour, and the mark below.
// YUV4MPEG2, 4:2:0, as Chromium's --use-file-for-fake-video-capture reads it (over and over).
import { BLOCK, blockArea, FRAMES, FRAMES_PER_SECOND, HEIGHT, markBlocks, WIDTH } from './mark.ts';

type Colour = readonly [y: number, u: number, v: number];

const BLACK: Colour = [16, 128, 128];
const WHITE: Colour = [235, 128, 128];
const SKIN: Colour = [168, 110, 150];

/** The whole film of a person, about 14 MB. */
export function cameraFile(person: number): Buffer {
  const parts: Buffer[] = [Buffer.from(`YUV4MPEG2 W${WIDTH} H${HEIGHT} F${FRAMES_PER_SECOND}:1 Ip A1:1 C420jpeg\n`)];
  for (let frame = 0; frame < FRAMES; frame += 1) parts.push(Buffer.from('FRAME\n'), picture(person, frame));
  return Buffer.concat(parts);
}

function picture(person: number, frame: number): Buffer {
  const planes = Buffer.alloc((WIDTH * HEIGHT * 3) / 2);
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
  return planes;
}

/** Colours far apart for neighbouring numbers: steps of the golden angle around the circle. */
function backgroundOf(person: number): Colour {
  const angle = person * 2.4;
  return [120, Math.round(128 + 42 * Math.cos(angle)), Math.round(128 + 42 * Math.sin(angle))];
}

function rectangle(planes: Buffer, left: number, top: number, width: number, height: number, colour: Colour): void {
  for (let row = top; row < top + height; row += 1) span(planes, row, left, left + width, colour);
}

function ellipse(planes: Buffer, cx: number, cy: number, rx: number, ry: number, colour: Colour): void {
  for (let row = Math.max(0, cy - ry); row < Math.min(HEIGHT, cy + ry); row += 1) {
    const half = Math.round(rx * Math.sqrt(1 - ((row - cy) / ry) ** 2));
    span(planes, row, Math.max(0, Math.round(cx - half)), Math.min(WIDTH, Math.round(cx + half)), colour);
  }
}

function span(planes: Buffer, row: number, from: number, to: number, [y, u, v]: Colour): void {
  planes.fill(y, row * WIDTH + from, row * WIDTH + to);
  if (row % 2 !== 0) return;
  const luma = WIDTH * HEIGHT;
  const start = luma + (row / 2) * (WIDTH / 2);
  planes.fill(u, start + (from >> 1), start + (to >> 1));
  planes.fill(v, start + luma / 4 + (from >> 1), start + luma / 4 + (to >> 1));
}
