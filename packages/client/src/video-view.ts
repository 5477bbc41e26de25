// Shows one person's picture in an element of the app's. When the track changes, the new one is put behind the present
// one and takes its place with its first frame that is not older than what is shown: no gap is seen, and no step back.
import type { Readable } from './api.ts';
import { createArrivals } from './arrivals.ts';
import type { SourceOwner } from './path.ts';

/** A hidden page presents no frames; then nobody sees the swap either. */
const FIRST_FRAME_MS = 500;
/** Frames that may be waited for because they are older: more would be a way that is much slower, and has to be taken anyway. */
const OLDER_FRAMES = 5;
/** By the first alone it is not known whether it was held up. */
const SURE_FRAMES = 2;

export interface VideoView {
  /** Resolves when the picture shown is that of the present track. */
  settled(): Promise<void>;
  /** Removes what was put into the container. */
  close(): void;
}

/** Keeps `track` shown inside `container`. */
export function showTrack(
  track: Readable<MediaStreamTrack | null>,
  address: SourceOwner,
  container: HTMLElement,
): VideoView {
  const waiting: (() => void)[] = [];
  let front: HTMLVideoElement | null = null;
  let back: { element: HTMLVideoElement; cancel: () => void } | null = null;
  // The two lie on top of each other, so they need something to be placed in.
  if (getComputedStyle(container).position === 'static') container.style.position = 'relative';

  function shown(): void {
    for (const done of waiting.splice(0)) done();
  }

  function dropBack(): void {
    back?.cancel();
    if (back) remove(back.element);
    back = null;
  }

  const stop = track.subscribe((next) => {
    dropBack();
    if (next === null) {
      if (front) remove(front);
      front = null;
      shown();
      return;
    }
    if (front && trackOf(front) === next) {
      shown();
      return;
    }
    const element = createVideo(next, address);
    container.prepend(element);
    const cancel = onNewerFrame(element, front, () => {
      back = null;
      const old = front;
      front = element;
      element.style.opacity = '';
      if (old) remove(old);
      shown();
    });
    back = { element, cancel };
    element.play().catch(() => undefined);
  });

  return {
    settled() {
      if (!back) return Promise.resolve();
      return new Promise((resolve) => waiting.push(resolve));
    },
    close() {
      stop();
      dropBack();
      if (front) remove(front);
      front = null;
      shown();
    },
  };
}

function createVideo(track: MediaStreamTrack, address: SourceOwner): HTMLVideoElement {
  const element = document.createElement('video');
  element.playsInline = true;
  element.muted = true;
  element.autoplay = true;
  element.dataset.parleyAddress = address;
  // object-fit is the app's to choose.
  Object.assign(element.style, { position: 'absolute', inset: '0', width: '100%', height: '100%', opacity: '0' });
  element.srcObject = new MediaStream([track]);
  return element;
}

function trackOf(element: HTMLVideoElement): MediaStreamTrack | null {
  return element.srcObject instanceof MediaStream ? (element.srcObject.getVideoTracks()[0] ?? null) : null;
}

function remove(element: HTMLVideoElement): void {
  element.pause();
  element.srcObject = null;
  element.remove();
}

/**
 * Calls `then` once, with the first frame of `next` that was on its way no earlier than the latest one that `present` shows, or
 * when it took too long. Frames of both ways have one clock in that; each way's own timestamps have not.
 */
function onNewerFrame(next: HTMLVideoElement, present: HTMLVideoElement | null, then: () => void): () => void {
  const [ofNext, ofPresent] = [createArrivals(), createArrivals()];
  let shown = Number.NEGATIVE_INFINITY;
  let looks = 0;
  let decision = 0;
  const follow: VideoFrameRequestCallback = (_, { receiveTime, rtpTimestamp }) => {
    if (receiveTime !== undefined) shown = ofPresent.add(receiveTime, rtpTimestamp);
    following = present?.requestVideoFrameCallback(follow) ?? 0;
  };
  const isNewer = (came: number) => {
    if (shown === Number.NEGATIVE_INFINITY || looks > OLDER_FRAMES) return true;
    return looks >= SURE_FRAMES && came >= shown;
  };
  const look: VideoFrameRequestCallback = (_, { receiveTime, rtpTimestamp }) => {
    looking = next.requestVideoFrameCallback(look);
    looks += 1;
    const came = receiveTime === undefined ? Number.POSITIVE_INFINITY : ofNext.add(receiveTime, rtpTimestamp);
    // Later in the same rendering: `present` may be about to be told of a frame, too.
    cancelAnimationFrame(decision);
    decision = requestAnimationFrame(() => {
      if (isNewer(came)) finish();
    });
  };
  const finish = () => {
    cancel();
    then();
  };
  const cancel = () => {
    next.cancelVideoFrameCallback(looking);
    present?.cancelVideoFrameCallback(following);
    cancelAnimationFrame(decision);
    clearTimeout(timer);
  };
  let looking = next.requestVideoFrameCallback(look);
  let following = present?.requestVideoFrameCallback(follow) ?? 0;
  const timer = setTimeout(finish, FIRST_FRAME_MS);
  return cancel;
}
