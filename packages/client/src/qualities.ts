// The client's part in choosing qualities: in which its own picture is offered to a conference, and how large it shows the
// others, so that the conference sends no more than is seen (and nobody encodes what nobody watches).
import type { Address, WantedPictures } from '@parley/protocol';

/**
 * The full picture first: an engine that takes only one quality takes that. The others begin when the focus says that
 * somebody wants them, so a call of a few people with large tiles costs nothing more. Chromium leaves out what would be
 * smaller than a quarter of 640x360.
 */
export const qualityEncodings: readonly RTCRtpEncodingParameters[] = [
  { rid: 'h', active: true },
  { rid: 'm', active: false, scaleResolutionDownBy: 2, maxBitrate: 300_000 },
  { rid: 'l', active: false, scaleResolutionDownBy: 4, maxBitrate: 100_000 },
];

/** Sizes in these steps: a pixel more or less is no news. */
const STEP = 30;
/** A window that is being pulled changes size at every frame. */
const REST_MS = 300;
const MAX_HEIGHT = 16_384;
const MAX_PEOPLE = 64;

/** The wish for a container's size in device pixels; 1, the least there is, for one that shows nothing. */
export function wantedHeight(height: number): number {
  return Math.max(1, Math.min(MAX_HEIGHT, Math.ceil(height / STEP) * STEP));
}

export interface Sizes {
  /** Follows the size of a container that shows somebody; returns the function that ends it. */
  watch(address: Address, container: Element): () => void;
  /** The largest of each person who is shown. */
  wanted(): WantedPictures;
  close(): void;
}

/** @param changed the sizes have come to rest and are others than before */
export function watchSizes(changed: (pictures: WantedPictures) => void): Sizes {
  const heights = new Map<Element, { address: Address; height: number }[]>();
  let timer: ReturnType<typeof setTimeout> | undefined;
  let told = '[]';

  function wanted(): WantedPictures {
    const largest = new Map<Address, number>();
    for (const { address, height } of [...heights.values()].flat()) {
      largest.set(address, Math.max(height, largest.get(address) ?? 0));
    }
    return [...largest].slice(0, MAX_PEOPLE).map(([address, height]) => ({ address, height }));
  }
  function tell(): void {
    const pictures = wanted();
    const now = JSON.stringify(pictures);
    if (now === told) return;
    told = now;
    changed(pictures);
  }
  function tellSoon(): void {
    clearTimeout(timer);
    timer = setTimeout(tell, REST_MS);
  }
  const observer = new ResizeObserver((entries) => {
    for (const { target, contentRect } of entries) {
      const height = wantedHeight(contentRect.height * devicePixelRatio);
      for (const one of heights.get(target) ?? []) one.height = height;
    }
    tellSoon();
  });

  return {
    watch(address, container) {
      const one = { address, height: wantedHeight(container.clientHeight * devicePixelRatio) };
      heights.set(container, [...(heights.get(container) ?? []), one]);
      observer.observe(container);
      return () => {
        const left = (heights.get(container) ?? []).filter((other) => other !== one);
        if (left.length > 0) heights.set(container, left);
        else {
          heights.delete(container);
          observer.unobserve(container);
        }
        tellSoon();
      };
    },
    wanted,
    close() {
      clearTimeout(timer);
      observer.disconnect();
      heights.clear();
    },
  };
}
