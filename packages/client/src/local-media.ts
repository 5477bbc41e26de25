// The own microphone and camera. Muting keeps the sound track running in silence, so that no path ever lacks it; the
// camera is really off when it is off, light and all.
import { type MediaSwitches, ParleyError } from '@parley/protocol';
import type { Readable } from './api.ts';
import { within } from './deadline.ts';
import { type LocalTracks, noTracks } from './path.ts';
import { createStore } from './readable.ts';

export interface LocalMedia {
  readonly tracks: Readable<LocalTracks>;
  /** What is really on. */
  readonly switches: Readable<MediaSwitches>;
  /** Errors: `no-microphone`. */
  setMicrophone(on: boolean): Promise<void>;
  setCamera(on: boolean): Promise<void>;
  close(): void;
}

/** People need time to answer the browser's question. */
const CAPTURE_MS = 60_000;

const audioWishes: MediaTrackConstraints = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };
const videoWishes: MediaTrackConstraints = {
  width: { ideal: 640 },
  height: { ideal: 360 },
  frameRate: { ideal: 30 },
};

/**
 * Captures what is wanted and there. A missing device is done without; a microphone that exists but may not or cannot
 * be used is the error `no-microphone`.
 */
async function openLocalMedia(wanted: MediaSwitches): Promise<LocalMedia> {
  const first = await captureBoth(wanted.camera);
  return createLocalMedia(first, wanted);
}

/**
 * Captures beside what else is to be done if the browser will not ask the person; otherwise its question comes first, so
 * that nobody is rung for a person who then has no microphone. Errors: `no-microphone`, here or by `media`.
 * @param after what is more urgent: without a question to ask, capturing begins when this has settled
 */
export async function beginCapture(
  wanted: MediaSwitches,
  after: Promise<void> = Promise.resolve(),
): Promise<{ media: Promise<LocalMedia> }> {
  const granted = await captureIsGranted(wanted.camera);
  const media = granted ? after.then(() => openLocalMedia(wanted)) : openLocalMedia(wanted);
  // The failure is seen where it is awaited.
  media.catch(() => undefined);
  if (!granted) await media;
  return { media };
}

/** Whether the browser will capture without asking the person first. */
async function captureIsGranted(camera: boolean): Promise<boolean> {
  const names: PermissionName[] = camera ? ['microphone', 'camera'] : ['microphone'];
  try {
    const all = await Promise.all(names.map((name) => navigator.permissions.query({ name })));
    return all.every(({ state }) => state === 'granted');
  } catch {
    return false;
  }
}

async function captureBoth(camera: boolean): Promise<LocalTracks> {
  if (camera) {
    try {
      // One question for both.
      return await capture({ audio: audioWishes, video: videoWishes });
    } catch {
      // One of the two is missing or refused: each by itself.
    }
  }
  const audio = await captureAudio();
  const video = camera ? await captureVideo().catch(() => null) : null;
  return { audio, video };
}

async function captureAudio(): Promise<MediaStreamTrack | null> {
  try {
    return (await capture({ audio: audioWishes })).audio;
  } catch (error) {
    // No microphone at all: one can still listen.
    if (error instanceof DOMException && error.name === 'NotFoundError') return null;
    throw new ParleyError('no-microphone', error instanceof Error ? error.name : undefined, { cause: error });
  }
}

async function captureVideo(): Promise<MediaStreamTrack | null> {
  return (await capture({ video: videoWishes })).video;
}

async function capture(constraints: MediaStreamConstraints): Promise<LocalTracks> {
  if (!navigator.mediaDevices) throw new ParleyError('no-microphone', 'the page is not served securely');
  const captured = navigator.mediaDevices.getUserMedia(constraints);
  let late = false;
  // Captured after all, when nobody waits any more: the light must not stay on.
  captured.then(
    (stream) => late && stopAll(stream.getTracks()),
    () => undefined,
  );
  const stream = await within(CAPTURE_MS, captured, 'no-microphone').catch((error: unknown) => {
    late = true;
    throw error;
  });
  const audio = stream.getAudioTracks()[0] ?? null;
  const video = stream.getVideoTracks()[0] ?? null;
  if (audio) audio.contentHint = 'speech';
  if (video) video.contentHint = 'motion';
  return { audio, video };
}

function stopAll(tracks: readonly (MediaStreamTrack | null)[]): void {
  for (const track of tracks) track?.stop();
}

function createLocalMedia(first: LocalTracks, wanted: MediaSwitches): LocalMedia {
  const tracks = createStore<LocalTracks>(noTracks);
  const switches = createStore<MediaSwitches>({ microphone: false, camera: false });
  let closed = false;
  /** The last wish wins, while a capture takes its time. */
  let cameraWish = wanted.camera;

  function put(next: LocalTracks): void {
    tracks.set(next);
    const microphone = next.audio?.enabled ?? false;
    const camera = next.video !== null;
    const before = switches.get();
    if (before.microphone !== microphone || before.camera !== camera) switches.set({ microphone, camera });
  }

  /** Unplugged, or the permission taken back. */
  function watch(track: MediaStreamTrack | null): void {
    track?.addEventListener('ended', () => {
      const now = tracks.get();
      if (track === now.audio) put({ ...now, audio: null });
      else if (track === now.video) put({ ...now, video: null });
    });
  }

  if (first.audio) first.audio.enabled = wanted.microphone;
  watch(first.audio);
  watch(first.video);
  put(first);

  return {
    tracks,
    switches,
    async setMicrophone(on) {
      let { audio } = tracks.get();
      if (!audio && on) {
        audio = await captureAudio();
        if (closed) return stopAll([audio]);
        if (!audio) throw new ParleyError('no-microphone');
        watch(audio);
      }
      if (audio) audio.enabled = on;
      put({ ...tracks.get(), audio });
    },
    async setCamera(on) {
      cameraWish = on;
      const before = tracks.get().video;
      if (!on) {
        before?.stop();
        put({ ...tracks.get(), video: null });
        return;
      }
      if (before) return;
      let video: MediaStreamTrack | null;
      try {
        video = await captureVideo();
      } catch (error) {
        throw new ParleyError('no-microphone', 'the camera cannot be used', { cause: error });
      }
      if (closed || !cameraWish || tracks.get().video) return stopAll([video]);
      watch(video);
      put({ ...tracks.get(), video });
    },
    close() {
      if (closed) return;
      closed = true;
      const { audio, video } = tracks.get();
      stopAll([audio, video]);
      put(noTracks);
    },
  };
}
