// Shows one person's picture in an element of the app's. When the track changes, the new one is put behind the present
// one and takes its place with its first frame that is not older than what is shown: no gap is seen, and no step back.
import type { Readable } from './api.ts';
import { createArrivals } from './arrivals.ts';
import { latestTaken, takenAt } from './capture-times.ts';
import type { SourceOwner } from './path.ts';

/** A hidden page presents no frames; then nobody sees the swap either. */
const FIRST_FRAME_MS = 500;
/** Frames that may be waited for because they are older: more would be a way that is much slower, and has to be taken anyway. */
const OLDER_FRAMES = 3;
/** Frames of two ways that were taken less than this apart are the same one. */
const SAME_MS = 8;
/** By the first alone it is not known whether it was held up. */
const SURE_FRAMES = 2;

export interface VideoView {
  /** Resolves when the picture shown is that of the present track. */
  settled(): Promise<void>;
  /** Removes what was put into the container. */
  close(): void;
}

/** Keeps what `receiver` receives shown inside `container`. */
export function showTrack(
  receiver: Readable<RTCRtpReceiver | null>,
  address: SourceOwner,
  container: HTMLElement,
): VideoView {
  const waiting: (() => void)[] = [];
  let front: Picture | null = null;
  let back: { picture: Picture; cancel: () => void } | null = null;
  // The two lie on top of each other, so they need something to be placed in.
  if (getComputedStyle(container).position === 'static') container.style.position = 'relative';

  function shown(): void {
    for (const done of waiting.splice(0)) done();
  }

  function dropBack(): void {
    back?.cancel();
    if (back) remove(back.picture);
    back = null;
  }

  const stop = receiver.subscribe((next) => {
    dropBack();
    if (next === null) {
      if (front) remove(front);
      front = null;
      shown();
      return;
    }
    if (front?.receiver === next) {
      shown();
      return;
    }
    const picture = createPicture(next, address);
    container.prepend(picture.element);
    const cancel = onNewerFrame(picture, front, () => {
      back = null;
      const old = front;
      front = picture;
      picture.element.style.opacity = '';
      if (old) remove(old);
      shown();
    });
    back = { picture, cancel };
    picture.element.play().catch(() => undefined);
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

interface Picture {
  readonly element: HTMLVideoElement;
  readonly receiver: RTCRtpReceiver;
}

function createPicture(receiver: RTCRtpReceiver, address: SourceOwner): Picture {
  const element = document.createElement('video');
  element.playsInline = true;
  element.muted = true;
  element.autoplay = true;
  element.dataset.parleyAddress = address;
  // object-fit is the app's to choose.
  Object.assign(element.style, { position: 'absolute', inset: '0', width: '100%', height: '100%', opacity: '0' });
  element.srcObject = new MediaStream([receiver.track]);
  return { element, receiver };
}

function remove({ element }: Picture): void {
  element.pause();
  element.srcObject = null;
  element.remove();
}

/** What is known of when a frame is from; null where it is not. */
interface Moment {
  /** By the sender's clock, the same for both ways. */
  readonly taken: number | null;
  /** By the own clock: when it was on its way. */
  readonly came: number | null;
}

function createMoments(receiver: RTCRtpReceiver): (metadata: VideoFrameCallbackMetadata) => Moment {
  const arrivals = createArrivals();
  return ({ receiveTime, rtpTimestamp }) => ({
    taken: takenAt(receiver, rtpTimestamp),
    came: receiveTime === undefined ? null : arrivals.add(receiveTime, rtpTimestamp),
  });
}

/**
 * Calls `then` once, with the first frame of `next` that is not older than the latest one that `present` shows, or when it took
 * too long. If `next` is behind, `present` stands still until it has caught up: less is noticed of that than of a step back.
 */
function onNewerFrame(next: Picture, present: Picture | null, then: () => void): () => void {
  const momentOfNext = createMoments(next.receiver);
  const momentOfPresent = present && createMoments(present.receiver);
  let shown: Moment | null = null;
  let stoppedAt: number | null = null;
  let looks = 0;
  let decision = 0;
  const follow: VideoFrameRequestCallback = (_, metadata) => {
    shown = momentOfPresent?.(metadata) ?? null;
    following = present?.element.requestVideoFrameCallback(follow) ?? 0;
  };
  // A busy page hears late of what its pictures show; of what has come to them it hears at once.
  const newestOfPresent = () => stoppedAt ?? (present && latestTaken(present.receiver));
  const isNewer = ({ taken, came }: Moment) => {
    if (!present) return true;
    const newest = newestOfPresent();
    if (taken !== null && newest !== null) return taken >= newest - SAME_MS;
    // What is shown may not have changed since: a camera that is slow, or a page.
    if (!shown) return looks > SURE_FRAMES;
    if (came === null || shown.came === null || looks > OLDER_FRAMES) return true;
    return looks >= SURE_FRAMES && came >= shown.came;
  };
  const look: VideoFrameRequestCallback = (_, metadata) => {
    looking = next.element.requestVideoFrameCallback(look);
    looks += 1;
    const moment = momentOfNext(metadata);
    // Later in the same rendering: `present` may be about to be told of a frame, too.
    cancelAnimationFrame(decision);
    decision = requestAnimationFrame(() => {
      if (isNewer(moment)) finish();
      else if (present && moment.taken !== null && looks >= OLDER_FRAMES) stopPresent(present);
    });
  };
  const stopPresent = ({ element, receiver }: Picture) => {
    if (element.paused) return;
    element.pause();
    stoppedAt = latestTaken(receiver);
  };
  const finish = () => {
    stop();
    then();
  };
  const stop = () => {
    next.element.cancelVideoFrameCallback(looking);
    present?.element.cancelVideoFrameCallback(following);
    cancelAnimationFrame(decision);
    clearTimeout(timer);
  };
  let looking = next.element.requestVideoFrameCallback(look);
  let following = present?.element.requestVideoFrameCallback(follow) ?? 0;
  const timer = setTimeout(finish, FIRST_FRAME_MS);
  return () => {
    stop();
    if (present?.element.paused) present.element.play().catch(() => undefined);
  };
}
